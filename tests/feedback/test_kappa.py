"""Cohen's kappa and its interval: by hand, against scikit-learn, and at the edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from feedback.kappa import cohen_kappa, wilson_interval


def test_by_hand() -> None:
    """Fifty grants (Wikipedia's example): 20 yes-yes, 15 no-no, 5 and 10 apart; kappa 0.4."""
    first = ["y"] * 25 + ["n"] * 25
    second = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    found = cohen_kappa(first, second)
    assert (found.n, found.same, found.is_few) == (50, 35, False)
    # p_o = 0.7; p_e = 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    assert found.value == pytest.approx(0.4)
    # Wilson of 35 in 50 is 0.5625 to 0.8090 (four digits), which kappa maps to 2 p - 1.
    assert (found.low, found.high) == pytest.approx((0.1249, 0.6179), abs=2e-4)


def test_three_categories_by_hand() -> None:
    # One of four the same; by chance (2 * 1 + 1 * 2 + 1 * 1) / 16.
    found = cohen_kappa("aabc", "abcb")
    assert (found.n, found.same) == (4, 1)
    assert found.value == pytest.approx((4 - 5) / (16 - 5))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40))
def test_it_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    first, second = zip(*pairs, strict=True)
    found = cohen_kappa(first, second)
    if found.value is None:
        assert set(first) == set(second)
        assert len(set(first)) == 1
        return
    assert found.value == pytest.approx(cohen_kappa_score(first, second))
    assert found.low is not None
    assert found.high is not None
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9
    assert cohen_kappa(second, first).value == pytest.approx(found.value)


def test_few_cases_that_all_agree_prove_little() -> None:
    found = cohen_kappa("aab", "aab")
    assert (found.value, found.is_few) == (1.0, True)
    assert found.low is not None
    assert found.low < 0.1


def test_where_chance_alone_agrees_there_is_no_kappa() -> None:
    found = cohen_kappa("aaa", "aaa")
    assert (found.value, found.low, found.same) == (None, None, 3)


def test_wilson_by_hand() -> None:
    # None of ten: 0 to z^2 / (n + z^2).
    z2 = 1.959963984540054**2
    assert wilson_interval(0, 10) == pytest.approx((0.0, z2 / (10 + z2)))
    assert wilson_interval(10, 10) == pytest.approx((10 / (10 + z2), 1.0))


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (2, 1), (-1, 3)])
def test_a_share_of_nothing_is_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="expected hits"):
        wilson_interval(hits, n)


@pytest.mark.parametrize("second", ["", "ab"])
def test_other_cases_are_refused(second: str) -> None:
    with pytest.raises(ValueError, match="expected the same cases"):
        cohen_kappa("" if not second else "a", second)
