from pathlib import Path

import pytest

from feedback.errors import StoreError
from feedback.objects import ObjectStore
from feedback.store import open_store


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}"])
def test_a_folder_opens_by_path_and_by_address(tmp_path: Path, form: str) -> None:
    store = open_store(form.format(tmp_path / "träger"))
    assert isinstance(store, ObjectStore)
    store.put("a", b"1")
    assert (tmp_path / "träger/a").read_bytes() == b"1"
    assert open_store(store.url).get("a") == b"1"


@pytest.mark.parametrize(
    "url",
    ["ftp://host/x", "s3://", "s3:///x", "s3://user:hunter2@bucket/x", "file://elsewhere/x",
     "https://user:hunter2@bucket/x"],
)  # fmt: skip
def test_other_addresses_are_refused_without_repeating_their_password(url: str) -> None:
    with pytest.raises(StoreError, match="expected a folder") as refused:
        open_store(url)
    assert "hunter2" not in str(refused.value)
