import pytest

from feedback.errors import StoreError
from feedback.keys import check_key, check_prefix


@pytest.mark.parametrize("key", ["a", "a/b.json", "reviews/träger/1", "inbox/u@x.org/n-1"])
def test_plain_keys_pass(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/..", ".", "a/./b", ".hidden",
        "a\\b", "a\0b", "a\nb", "a\x7fb", "e\u0301", "\ud800", "a" * 241, "/".join("ab" * 400),
        "é" * 121,
    ],
)  # fmt: skip
def test_keys_that_could_leave_their_place_are_refused(key: str) -> None:
    with pytest.raises(StoreError, match="expected"):
        check_key(key)


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", "a/b/"])
def test_prefixes_may_end_anywhere(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["/", "../", "a//", "a/../"])
def test_prefixes_under_which_nothing_can_lie_are_refused(prefix: str) -> None:
    with pytest.raises(StoreError):
        check_prefix(prefix)
