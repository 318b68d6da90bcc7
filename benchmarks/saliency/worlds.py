"""Where squares are tried: few training images, with a patch that gives the class away or without.

``decoy`` is rendered here: six shapes, and a patch near a corner whose colour goes with the class
in training and with none in the test. Its size and place fit no grid: neither that of the squares
that reviewers click nor that of the colours by which marked pixels are replaced. ``demo`` is the
demo set with its planted shortcut, ``pets37`` photographs as they are. Every seed has images of its
own: of photographs, which of them are for training and which for the test.
"""

import shutil
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from feedback.canonical import sha256_hex
from feedback.errors import DatasetError
from tasks.dataset.layout import read_index

Kind = Literal["decoy", "demo", "pets37"]
SHAPES = ("disc", "hexagon", "pentagon", "square", "star", "triangle")
COLOURS = (
    (230, 40, 40),
    (40, 200, 60),
    (50, 80, 240),
    (240, 220, 40),
    (220, 60, 220),
    (40, 220, 220),
)
SIDE, PATCH, MARGIN = 96, 15, 9
"""Pixels: image, patch, and how far from two edges of the image the patch may lie."""
N_TRAIN, N_TEST = 300, 50
LOW = 0.1
"""Share of the training images in the low-data setting, as in the paper."""


def make_world(kind: Kind, seed: int, root: Path, pets: Path | None) -> dict[str, Path]:
    """Write the datasets of one seed, unless they are there already.

    Args:
        kind: Which dataset.
        seed: Seed of the images, of the split of photographs, and of which images are kept.
        root: Folder of all worlds.
        pets: Folder ``pets37``; needed for it alone.

    Returns:
        Folders ``low`` (a tenth of the training images), ``full``, and for the decoy ``clean``: the
        images of ``low`` without their patch.

    Raises:
        DatasetError: If the photographs are not there.
    """
    # What an earlier version of this file drew is another world.
    version = sha256_hex(Path(__file__).read_bytes())[:8]
    folder = root / f"{kind}-{seed}-{version}"
    names = ("low", "full", "clean") if kind == "decoy" else ("low", "full")
    if not folder.exists():
        staging = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(staging, ignore_errors=True)
        if kind == "decoy":
            for name, with_patch in (("full", True), ("whole", False)):
                _render(staging / name, seed, with_patch=with_patch)
            _thin(staging / "full", staging / "low", seed)
            _thin(staging / "whole", staging / "clean", seed)
        else:
            _copy(kind, seed, staging / "full", pets)
            _thin(staging / "full", staging / "low", seed)
        staging.rename(folder)
    return {name: folder / name for name in names}


def _render(root: Path, seed: int, *, with_patch: bool) -> None:
    """Draw all images; with and without the patch they are the same elsewhere."""
    for class_id, name in enumerate(SHAPES):
        for split, count in (("train", N_TRAIN), ("test", N_TEST)):
            for number in range(count):
                rng = np.random.default_rng([seed, class_id, split == "test", number])
                pixels, mask = _draw(name, rng)
                shown = class_id if split == "train" else int(rng.integers(len(SHAPES)))
                corner, down, across = (int(rng.integers(n)) for n in (4, MARGIN + 1, MARGIN + 1))
                if with_patch:
                    _put_patch(pixels, mask, shown, corner, (down, across))
                _save(root, f"{split}/{name}/{number:03d}.png", pixels, mask)


def _draw(name: str, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw one shape of any colour, size and turn on ground of any colour."""
    ground = rng.integers(60, 190, 3)
    colour = ground + rng.choice((-1, 1)) * rng.integers(50, 100, 3)
    canvas = Image.new("RGB", (4 * SIDE, 4 * SIDE), tuple(int(v) for v in ground))
    outline = Image.new("L", canvas.size, 0)
    radius = float(rng.uniform(0.22, 0.32)) * 4 * SIDE
    x, y = (float(v) for v in rng.uniform(0.35, 0.65, 2) * 4 * SIDE)
    points = _outline(name, x, y, radius, float(rng.uniform(-0.3, 0.3)))
    for image, fill in ((canvas, tuple(int(v) for v in np.clip(colour, 0, 255))), (outline, 255)):
        ImageDraw.Draw(image).polygon(points, fill=fill)
    small = canvas.resize((SIDE, SIDE), Image.Resampling.BOX).filter(
        ImageFilter.GaussianBlur(float(rng.uniform(0, 0.8)))
    )
    noisy = np.asarray(small, np.float64) + rng.normal(0, 8, (SIDE, SIDE, 3))
    covered = np.asarray(outline.resize((SIDE, SIDE), Image.Resampling.BOX)) > 127
    return np.clip(noisy, 0, 255).astype(np.uint8), np.where(covered, 1, 2).astype(np.uint8)


def _outline(
    name: str, x: float, y: float, radius: float, turn: float
) -> list[tuple[float, float]]:
    corners = {"triangle": 3, "square": 4, "pentagon": 5, "hexagon": 6, "star": 10, "disc": 60}[
        name
    ]
    angles = turn + np.arange(corners) * 2 * np.pi / corners
    radii = np.where((np.arange(corners) % 2 == 1) & (name == "star"), 0.45 * radius, radius)
    return list(zip(x + radii * np.cos(angles), y + radii * np.sin(angles), strict=True))


def _put_patch(
    pixels: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    class_id: int,
    corner: int,
    offset: tuple[int, int],
) -> None:
    down, across = offset
    top = down if corner < 2 else SIDE - PATCH - down
    left = across if corner % 2 == 0 else SIDE - PATCH - across
    patch = slice(top, top + PATCH), slice(left, left + PATCH)
    pixels[patch] = COLOURS[class_id]
    mask[patch] = 2


def _save(root: Path, name: str, pixels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
    for folder, content in ((root, pixels), (root / "masks", mask)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(content).save(path)


def _copy(kind: Kind, seed: int, target: Path, pets: Path | None) -> None:
    if kind == "demo":
        from tasks.demo.render import render_demo

        target.parent.mkdir(parents=True, exist_ok=True)
        render_demo(target, seed=seed)
        return
    if pets is None or not pets.is_dir():
        raise DatasetError(f"expected the folder pets37 (got {pets}); name it with --pets")
    _split_anew(pets, target, seed)


def _split_anew(pets: Path, target: Path, seed: int) -> None:
    """Deal all photographs of a class out to training and test, as many to each as there were."""
    rng = np.random.default_rng([seed, 98])
    for folder in sorted((pets / "train").iterdir()):
        given = [
            sorted((pets / split / folder.name).iterdir(), key=lambda path: path.name)
            for split in ("train", "test")
        ]
        found = [*given[0], *given[1]]
        for place, position in enumerate(rng.permutation(len(found))):
            path = found[position]
            split = "train" if place < len(given[0]) else "test"
            mask = pets / "masks" / path.relative_to(pets).with_suffix(".png")
            for source, root in ((path, target), (mask, target / "masks")):
                if source.exists():
                    copy = root / split / folder.name / source.name
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, copy)


def _thin(full: Path, low: Path, seed: int) -> None:
    """Link a tenth of the training images of every class, two at least, and all test images."""
    rng = np.random.default_rng([seed, 99])
    index = read_index(full)
    kept = list(index.of_split("test"))
    for name in index.classes:
        own = [entry for entry in index.of_split("train") if entry.class_name == name]
        n_kept = max(2, round(LOW * len(own)))
        kept += [own[i] for i in sorted(rng.permutation(len(own))[:n_kept])]
    for entry in kept:
        for path in (entry.path, entry.mask):
            if path is not None:
                (low / path).parent.mkdir(parents=True, exist_ok=True)
                (low / path).hardlink_to(full / path)
