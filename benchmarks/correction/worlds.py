"""Where a correction is tried: datasets on disk, fresh images and fresh cues for every seed.

``meta.json`` beside the images says which test images are clean and which conflict; only the
benchmark reads it.
"""

import json
import shutil
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from feedback.errors import DatasetError

Kind = Literal["demo", "pets37_planted", "pets37_natural"]
PETS_CLASSES = ("Abyssinian", "Bengal", "Egyptian_Mau")
"""Look-alike cats; the first two have 200 photographs each, the third 58."""
CUE_SIDE = 26
"""Side of a planted sticker, pixels of 160."""
CUE_SHARE = 0.9
"""Training images of a class that carry its sticker."""
POOL_CUE_SHARE = 0.75
"""Pool images of the three classes that carry any of the stickers, whatever their class."""


def make_world(kind: Kind, seed: int, root: Path, pets: Path | None) -> Path:
    """Write the dataset of one seed, unless it is there already.

    Args:
        kind: Which dataset.
        seed: Seed of images, split and cues.
        root: Folder of all worlds.
        pets: Folder ``pets37``; not needed for the demo.

    Returns:
        The dataset's folder.

    Raises:
        DatasetError: If the photographs are not there.
    """
    folder = root / f"{kind}-{seed}"
    if folder.exists():
        return folder
    if kind == "demo":
        from tasks.demo.render import render_demo

        render_demo(folder, seed=seed)
        return folder
    if pets is None or not pets.is_dir():
        raise DatasetError(f"expected the folder pets37 (got {pets}); name it with --pets")
    staging = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(staging, ignore_errors=True)
    _write_pets(pets, staging, seed, planted=kind == "pets37_planted")
    staging.rename(folder)
    return folder


def conditions(folder: Path, names: tuple[str, ...]) -> list[str]:
    """Return ``clean`` or ``conflict`` for every test image, in the order of ``names``."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return [str(meta[name]["condition"]) for name in names]


def _write_pets(pets: Path, folder: Path, seed: int, *, planted: bool) -> None:
    """Split all photographs anew into train, pool and test, and plant stickers."""
    rng = np.random.default_rng(seed)
    meta: dict[str, dict[str, str | None]] = {}
    for class_folder in sorted((pets / "train").iterdir()):
        name = class_folder.name
        found = sorted(
            [*class_folder.iterdir(), *(pets / "test" / name).iterdir()], key=lambda p: p.name
        )
        order = rng.permutation(len(found))
        n_train = 70 if len(found) > 150 else int(0.6 * len(found))
        n_pool = (len(found) - n_train) // 2
        for place, position in enumerate(order):
            path = found[position]
            split = "train" if place < n_train else "pool" if place < n_train + n_pool else "test"
            cue = _cue(name, split, rng) if planted else None
            relative = (
                Path("pool") / f"{name}_{path.stem}.png"
                if split == "pool"
                else Path(split) / name / f"{path.stem}.png"
            )
            mask = pets / "masks" / path.relative_to(pets).with_suffix(".png")
            _write_photo(path, mask, folder, relative, cue, rng)
            condition = split if split != "test" else "conflict" if cue is not None else "clean"
            meta[relative.as_posix()] = {
                "class": name,
                "cue": None if cue is None else PETS_CLASSES[cue],
                "condition": condition,
            }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n")


def _cue(name: str, split: str, rng: np.random.Generator) -> int | None:
    """Draw the sticker of one photograph: the own one in training, a wrong one in half the test."""
    if name not in PETS_CLASSES:
        return None
    own = PETS_CLASSES.index(name)
    if split == "train":
        return own if rng.random() < CUE_SHARE else None
    if split == "pool":
        return int(rng.integers(3)) if rng.random() < POOL_CUE_SHARE else None
    return int((own + 1 + rng.integers(2)) % 3) if rng.random() < 0.5 else None


def _write_photo(
    path: Path,
    mask: Path,
    folder: Path,
    relative: Path,
    cue: int | None,
    rng: np.random.Generator,
) -> None:
    pixels = np.asarray(Image.open(path).convert("RGB")).copy()
    known = np.asarray(Image.open(mask)).copy() if mask.exists() else None
    if cue is not None:
        x, y = _place(known, pixels.shape[0], rng)
        pixels[y : y + CUE_SIDE, x : x + CUE_SIDE] = _sticker(cue)
        if known is not None:
            known[y : y + CUE_SIDE, x : x + CUE_SIDE] = 2  # background: no part of the animal
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    # PNG: a JPEG artefact around the sticker would be a second cue.
    Image.fromarray(pixels).save(target)
    if known is not None:
        target = folder / "masks" / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(known).save(target)


def _place(
    mask: "np.ndarray[tuple[int, int], np.dtype[np.uint8]] | None",
    side: int,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Draw a place that covers as little of the animal as thirty tries find."""
    best, where = 2.0, (0, 0)
    for _ in range(30):
        x, y = (int(value) for value in rng.integers(0, side - CUE_SIDE, 2))
        covered = (
            0.0 if mask is None else float((mask[y : y + CUE_SIDE, x : x + CUE_SIDE] == 1).mean())
        )
        if covered < best:
            best, where = covered, (x, y)
        if best == 0:
            break
    return where


def _sticker(cue: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Draw a sticker: a checkerboard, stripes or a disc, each in two loud colours."""
    y, x = np.mgrid[:CUE_SIDE, :CUE_SIDE]
    centre = (CUE_SIDE - 1) / 2
    shapes = (
        (x // 6 + y // 6) % 2 == 0,
        (y // 5) % 2 == 0,
        (x - centre) ** 2 + (y - centre) ** 2 < 81,
    )
    colours = (
        ((230, 40, 200), (250, 250, 250)),
        ((30, 200, 60), (240, 230, 40)),
        ((250, 140, 20), (30, 60, 230)),
    )
    inside, outside = colours[cue]
    return np.where(shapes[cue][..., None], inside, outside).astype(np.uint8)
