import shutil
from pathlib import Path

import pytest

from feedback.errors import DatasetError
from models.params import TrainingParams
from tasks.dataset.opening import open_dataset
from tests.shapes import CLASSES, N_POOL, N_TEST, N_TRAIN, write_shapes

TRAINING = TrainingParams(image_size=32)


def opened(workplace, path, unversioned="refuse"):
    return open_dataset(workplace, path, unversioned=unversioned, training=TRAINING)


def test_a_sound_dataset_is_named_by_its_content(workplace, shapes_dir, tmp_path):
    found = opened(workplace, shapes_dir)
    assert found.classes == CLASSES
    assert (found.n_train, found.n_test, found.n_pool) == (3 * N_TRAIN, 3 * N_TEST, N_POOL)
    assert found.has_masks
    shutil.copytree(shapes_dir, tmp_path / "copy")
    assert opened(workplace, tmp_path / "copy").md5 == found.md5


def break_class(root: Path) -> None:
    for name in CLASSES[1:]:
        for split in ("train", "test"):
            shutil.rmtree(root / split / name)


def add_to_test(root: Path) -> None:
    shutil.copytree(root / "test" / "bars", root / "test" / "rings")


def truncate(path: str):
    def change(root: Path) -> None:
        data = (root / path).read_bytes()
        (root / path).write_bytes(data[: len(data) // 2])

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: shutil.rmtree(root), "got nothing there"),
        (
            lambda root: [shutil.rmtree(root / s) for s in ("train", "test")],
            "images in class folders",
        ),
        (lambda root: shutil.rmtree(root / "train"), "train/ beside test/"),
        (break_class, "two classes"),
        (add_to_test, "rings"),
        (truncate("train/bars/00.png"), "readable image"),
        (truncate("test/discs/01.png"), "readable image"),
        (truncate("pool/02.png"), "readable image"),
        (truncate("masks/train/bars/00.png"), "readable image"),
    ],
)
def test_bad_data_are_refused_in_one_line(workplace, tmp_path, change, message):
    root = write_shapes(tmp_path / "shapes")
    change(root)
    with pytest.raises(DatasetError, match=message) as refused:
        opened(workplace, root)
    assert "\n" not in str(refused.value)


def test_working_data_must_be_the_recorded_version(workplace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_shapes(tmp_path / "data")
    with pytest.raises(DatasetError, match=r"data\.dvc"):
        opened(workplace, Path("data"))
    md5 = opened(workplace, Path("data"), "allow").md5
    Path("data.dvc").write_text(f"outs:\n- md5: {md5}\n  path: data\n")
    assert opened(workplace, Path("data")).md5 == md5
    (tmp_path / "data/pool/00.png").unlink()
    with pytest.raises(DatasetError, match=f"expected the data of data.dvc, {md5}"):
        opened(workplace, Path("data"))
