from pathlib import Path

import numpy as np
import pytest
from PIL import Image


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
