"""The check before a run: once per content, and only what falsifies a run refuses it."""

import shutil

import pytest

from feedback.errors import DatasetError
from tasks.dataset import validation
from tasks.dataset.opening import identify_dataset
from tasks.dataset.soundness import check_soundness
from tests.shapes import write_shapes


@pytest.fixture
def root(tmp_path):
    return write_shapes(tmp_path / "shapes")


@pytest.fixture
def check(workplace, root, monkeypatch):
    """Check the folder as it is now; counts how often its files were looked at."""
    looked, told = [], []
    whole = validation.check_dataset

    def counted(index, **options):
        looked.append(index)
        return whole(index, **options)

    monkeypatch.setattr(validation, "check_dataset", counted)

    def run():
        dataset = identify_dataset(workplace, root, unversioned="allow")
        told.clear()
        check_soundness(workplace, dataset, on_problems=told.extend)
        return len(looked), [(one.kind, one.path) for one in told]

    run.looked = looked
    return run


def test_a_sound_dataset_is_looked_at_once_and_again_when_it_changed(check, root):
    assert check() == (1, [])
    assert check() == (1, [])
    shutil.move(root / "pool/00.png", root / "pool/renamed.png")
    assert check() == (2, [])


def test_an_idle_duplicate_is_told_every_time_and_refuses_nothing(check, root):
    shutil.copy(root / "train/bars/00.png", root / "train/bars/copy.png")
    idle = [("duplicate", "train/bars/copy.png")]
    assert check() == (1, idle)
    assert check() == (1, idle)


def test_a_leak_is_refused_as_often_as_it_is_there(check, root):
    shutil.copy(root / "train/bars/00.png", root / "test/bars/copy.png")
    for _ in range(2):
        with pytest.raises(DatasetError, match=r"train/bars/00.png.*learnt by heart"):
            check()
    assert len(check.looked) == 2
    (root / "test/bars/copy.png").unlink()
    assert check() == (3, [])


def test_a_damaged_record_is_made_again(check, root, workplace):
    check()
    (record,) = workplace.cache_folder().rglob("sound-*.json")
    record.write_text("half of")
    assert check() == (2, [])
    assert check() == (2, [])
