import os

import pytest

from feedback.errors import DatasetError
from tasks.dataset import digest, version


@pytest.mark.slow
def test_our_md5_is_dvcs_and_a_version_survives_the_round_trip(sound):
    data = sound.rename(sound.with_name("data"))
    (data / "a.b").write_text("sorts before a/")
    repository = data.parent
    version.init(repository)
    md5 = version.add(data)
    assert md5 == version.folder_md5(data)
    assert md5.endswith(".dir")
    version.push(data)
    assert (repository / ".parley" / "dvc-remote" / "files").is_dir()
    (data / "a.b").write_text("changed")
    with pytest.raises(DatasetError, match="dvc checkout"):
        version.verify_working_data(data, repository / "data.dvc")
    version.pull(data)
    assert version.verify_working_data(data, repository / "data.dvc") == md5


def test_the_md5_of_a_known_folder_is_the_one_dvc_recorded(tmp_path):
    for name, text in (("Z", "z\n"), ("a.b", "z\n"), ("a/x.jpg", "hi\n"), ("ü/ä.jpg", "ho\n")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert version.folder_md5(tmp_path) == "b196b99e5d63df6f75d2787e345ff48d.dir"


def test_known_files_are_not_hashed_again_and_changed_ones_are(sound, tmp_path, monkeypatch):
    cache = tmp_path / "digests.json"
    first = version.folder_md5(sound, cache_file=cache)
    hashed = []
    real = digest.hashlib.file_digest
    monkeypatch.setattr(digest.hashlib, "file_digest", lambda *a: hashed.append(a) or real(*a))
    assert version.folder_md5(sound, cache_file=cache) == first
    assert hashed == []
    path = sound / "train" / "cat" / "0.png"
    path.write_bytes(path.read_bytes() + b"x")
    os.utime(path, ns=(0, 0))
    assert version.folder_md5(sound, cache_file=cache) != first
    assert len(hashed) == 1


def test_a_damaged_memory_of_digests_is_forgotten(sound, tmp_path):
    cache = tmp_path / "digests.json"
    cache.write_text('{"a": 1}')
    assert version.folder_md5(sound, cache_file=cache) == version.folder_md5(sound)


def test_missing_data_and_records_are_told_apart(sound, tmp_path):
    with pytest.raises(DatasetError, match="parley data demo"):
        version.verify_working_data(tmp_path / "data", tmp_path / "data.dvc")
    with pytest.raises(DatasetError, match="beside the data"):
        version.verify_working_data(sound, tmp_path / "data.dvc")
    (tmp_path / "data.dvc").write_text("outs: 3\n")
    with pytest.raises(DatasetError, match="written by DVC"):
        version.verify_working_data(sound, tmp_path / "data.dvc")


@pytest.mark.slow
def test_a_failing_command_says_why(tmp_path):
    with pytest.raises(DatasetError, match="expected `dvc add` to succeed"):
        version.add(tmp_path / "data")
