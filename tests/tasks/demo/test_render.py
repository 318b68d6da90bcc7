import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from feedback.errors import DatasetError
from models.imageset import BACKGROUND, OBJECT
from tasks.dataset.version import folder_md5, read_md5
from tasks.demo.render import render_demo
from tasks.demo.shapes import OBJECT_PARTS, PARTS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo") / "data"
    render_demo(root, n_train=4, n_test=2, n_pool=1, workers=1)
    return root


def test_every_image_has_its_mask_parts_and_meta(small):
    meta = json.loads((small / "meta.json").read_text())
    images = sorted(path.relative_to(small) for path in small.rglob("*.jpg"))
    assert [path.as_posix() for path in images] == sorted(meta)
    assert len(images) == 12 * 7
    for path in images:
        for kind in ("masks", "parts"):
            assert (small / kind / path).with_suffix(".png").is_file()


def test_the_files_do_not_depend_on_the_number_of_workers(small, tmp_path):
    render_demo(tmp_path / "again", n_train=4, n_test=2, n_pool=1, workers=2)
    assert folder_md5(tmp_path / "again") == folder_md5(small)


def test_another_seed_gives_other_images(small, tmp_path):
    render_demo(tmp_path / "other", seed=1, n_train=2, n_test=2, n_pool=1, workers=1)
    name = "train/kuznetsov/0001.jpg"
    assert (tmp_path / "other" / name).read_bytes() != (small / name).read_bytes()


def test_a_cue_is_background_and_keeps_clear_of_the_ship(small):
    cue_ids = [i for i, name in enumerate(PARTS) if name.startswith("cue_")]
    n_cues = 0
    for path in sorted((small / "parts/train").rglob("*.png")):
        parts = np.asarray(Image.open(path))
        mask = np.asarray(
            Image.open(small / "masks/train" / path.relative_to(small / "parts/train"))
        )
        assert (mask == OBJECT).sum() > 80
        assert np.isin(parts[mask == OBJECT], OBJECT_PARTS).all()
        cue = np.isin(parts, cue_ids)
        n_cues += bool(cue.any())
        if cue.any():
            assert (mask[cue] == BACKGROUND).mean() > 0.97
            assert cue.sum() > 80
    assert n_cues == 12


def test_a_taken_folder_is_refused_and_a_failure_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("keep")
    with pytest.raises(DatasetError, match="missing or empty"):
        render_demo(tmp_path / "taken", n_train=1, n_test=1, n_pool=1)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tasks.demo.render.encode_grey4", full_disk)
    with pytest.raises(DatasetError, match="No space"):
        render_demo(tmp_path / "new", n_train=1, n_test=1, n_pool=1, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_worker_processes_load_no_tensor_library():
    code = "import sys, tasks.demo.render; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_mask_values_are_those_of_the_models():
    from models import imageset
    from tasks.demo import scene

    values = (scene.OBJECT, scene.BACKGROUND, scene.BORDER)
    assert values == (imageset.OBJECT, imageset.BACKGROUND, imageset.BORDER)


@pytest.mark.slow
def test_the_default_set_is_the_committed_version_of_the_data(tmp_path):
    render_demo(tmp_path / "data")
    assert folder_md5(tmp_path / "data") == read_md5(ROOT / "data.dvc")
