from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.dataset import version
from tests.tasks.dataset.intake_office import Office


def write_photo(path: Path, seed: int, size: tuple[int, int] = (24, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def photo():
    return write_photo


@pytest.fixture
def sound(tmp_path):
    """Two classes, split, with a pool and a mask."""
    root = tmp_path / "sound"
    for i, name in enumerate(("cat", "dög")):
        for j in range(3):
            write_photo(root / "train" / name / f"{j}.png", 10 * i + j)
            write_photo(root / "test" / name / f"{j}.jpg", 100 + 10 * i + j)
    write_photo(root / "pool" / "a.png", 500)
    mask = root / "masks" / "train" / "cat" / "0.png"
    mask.parent.mkdir(parents=True)
    Image.fromarray(np.full((16, 24), 2, dtype=np.uint8)).save(mask)
    return root


@pytest.fixture
def office(sound, monkeypatch):
    """Somebody who takes images in; the tests of filing have an office of their own."""
    data = sound.rename(sound.with_name("data"))
    (data.parent / ".dvc").mkdir()
    made = Office(data)
    made.add(data)
    monkeypatch.setattr(version, "add", made.add)
    monkeypatch.setattr(
        version, "push", lambda folder: made.pushed.append(version.read_md5(made.record))
    )
    return made
