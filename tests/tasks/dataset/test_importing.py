import pytest

from feedback.errors import DatasetError
from tasks.dataset import importing, version
from tasks.dataset.importing import import_dataset
from tasks.dataset.layout import read_index


@pytest.fixture
def without_dvc(monkeypatch):
    """Record versions by their md5 alone; the round trip with DVC is tested beside its module."""
    monkeypatch.setattr(version, "init", lambda *_: None)
    monkeypatch.setattr(version, "add", version.folder_md5)
    monkeypatch.setattr(version, "push", lambda *_: None)


@pytest.mark.usefixtures("without_dvc")
def test_a_sound_folder_is_copied_whole(sound, tmp_path):
    report = import_dataset(sound, tmp_path / "work" / "data")
    assert (report.n_images, report.n_left_out, report.problems) == (13, 0, ())
    assert report.md5 == version.folder_md5(sound)


@pytest.mark.usefixtures("without_dvc")
def test_an_unsplit_folder_arrives_split(tmp_path, photo):
    for i, name in enumerate(("a", "b")):
        for j in range(10):
            photo(tmp_path / "flat" / name / f"{j}.png", 20 * i + j)
    import_dataset(tmp_path / "flat", tmp_path / "data", test_share=0.2)
    index = read_index(tmp_path / "data")
    assert index.is_split
    assert len(index.of_split("test")) == 4


@pytest.mark.usefixtures("without_dvc")
def test_problems_refuse_the_import_and_nothing_is_written(sound, tmp_path):
    (sound / "train/cat/0.png").write_bytes(b"no image")
    report = import_dataset(sound, tmp_path / "work" / "data")
    assert report.is_refused
    assert [p.kind for p in report.problems] == ["unreadable"]
    assert not (tmp_path / "work").exists()


@pytest.mark.usefixtures("without_dvc")
def test_skipping_leaves_out_the_files_at_fault(sound, tmp_path):
    (sound / "train/dög/0.png").write_bytes(b"no image")
    (sound / "masks/train/cat/0.png").write_bytes(b"no mask")
    report = import_dataset(sound, tmp_path / "data", on_problem="skip")
    assert (report.n_images, report.n_left_out) == (12, 1)
    assert not (tmp_path / "data/train/dög/0.png").exists()
    assert (tmp_path / "data/train/cat/0.png").exists()
    assert not (tmp_path / "data/masks").exists()


@pytest.mark.usefixtures("without_dvc")
def test_skipping_does_not_mend_what_is_fatal(sound, tmp_path):
    (sound / "test/cat/9.png").write_bytes((sound / "train/cat/1.png").read_bytes())
    assert import_dataset(sound, tmp_path / "data", on_problem="skip").is_refused


@pytest.mark.usefixtures("without_dvc")
def test_a_full_disk_leaves_the_old_data_and_nothing_else(sound, tmp_path, monkeypatch):
    dest = tmp_path / "work" / "data"
    import_dataset(sound, dest)
    before = version.folder_md5(dest)
    copied = []

    def full_disk(source, target):
        copied.append(source)
        if len(copied) > 3:
            raise OSError(28, "No space left on device")
        target.write_bytes(b"")

    monkeypatch.setattr(importing.shutil, "copyfile", full_disk)
    with pytest.raises(DatasetError, match=r"No space left.*nothing was changed"):
        import_dataset(sound, dest, replace=True)
    assert version.folder_md5(dest) == before
    assert [path.name for path in dest.parent.iterdir()] == ["data"]


@pytest.mark.usefixtures("without_dvc")
def test_data_in_place_are_replaced_only_on_demand(sound, tmp_path, photo):
    dest = tmp_path / "work" / "data"
    first = import_dataset(sound, dest).md5
    with pytest.raises(DatasetError, match="expected no data"):
        import_dataset(sound, dest)
    photo(sound / "pool" / "b.png", 501)
    assert import_dataset(sound, dest, replace=True).md5 != first
    assert [path.name for path in dest.parent.iterdir()] == ["data"]


def test_source_and_destination_must_lie_apart(sound):
    with pytest.raises(DatasetError, match="apart"):
        import_dataset(sound, sound / "data")
