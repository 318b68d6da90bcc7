"""Datasets of the squares' benchmark: every seed has images of its own."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.saliency import worlds as rendered
from benchmarks.saliency.worlds import COLOURS, MARGIN, PATCH, SHAPES, SIDE, make_world
from feedback.errors import DatasetError

CLASSES = {"Bombay": (20, 8), "Sphynx": (10, 4)}


@pytest.fixture
def pets(tmp_path):
    """Photographs whose bytes are their names, half of which have a mask."""
    for name, counts in CLASSES.items():
        for number in range(sum(counts)):
            split = "train" if number < counts[0] else "test"
            kinds = (("", ".jpg"), ("masks/", ".png"))[: 1 + number % 2]
            for kind, suffix in kinds:
                path = tmp_path / f"pets/{kind}{split}/{name}/{name}_{number}{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(path.stem)
    return tmp_path / "pets"


def names(folder, split):
    return {path.stem for path in folder.glob(f"{split}/*/*.jpg")}


def test_photographs_are_split_anew_for_every_seed(pets, tmp_path):
    worlds = {seed: make_world("pets37", seed, tmp_path / "worlds", pets) for seed in (1, 2)}
    every = {path.read_text() for path in pets.glob("t*/*/*.jpg")}
    for world in worlds.values():
        full, low = world["full"], world["low"]
        assert names(full, "train") | names(full, "test") == every
        assert not names(full, "train") & names(full, "test")
        assert names(low, "test") == names(full, "test")
        assert names(low, "train") < names(full, "train")
        for name, (n_train, n_test) in CLASSES.items():
            assert len([*full.glob(f"train/{name}/*")]) == n_train
            assert len([*full.glob(f"test/{name}/*")]) == n_test
            assert len([*low.glob(f"train/{name}/*")]) == 2
    for split in ("train", "test"):
        assert names(worlds[1]["full"], split) != names(worlds[2]["full"], split)
    again = make_world("pets37", 1, tmp_path / "again", pets)
    assert names(again["full"], "test") == names(worlds[1]["full"], "test")
    assert names(again["low"], "train") == names(worlds[1]["low"], "train")


def test_masks_go_where_their_photographs_go(pets, tmp_path):
    full = make_world("pets37", 1, tmp_path / "worlds", pets)["full"]
    photographs = [*full.glob("t*/*/*.jpg")]
    assert len(photographs) == 42
    for path in photographs:
        mask = (full / "masks" / path.relative_to(full)).with_suffix(".png")
        assert path.read_text() == path.stem
        assert mask.exists() == (int(path.stem.partition("_")[2]) % 2 == 1)


def test_photographs_that_are_not_there_are_asked_for(tmp_path):
    with pytest.raises(DatasetError, match="--pets"):
        make_world("pets37", 1, tmp_path / "worlds", tmp_path / "nowhere")


@pytest.fixture(scope="module")
def decoy(tmp_path_factory):
    """A small decoy: folders, and by file where its patch is and whose colour it has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendered, "N_TRAIN", 40)
        patch.setattr(rendered, "N_TEST", 30)
        folders = make_world("decoy", 5, tmp_path_factory.mktemp("worlds"), None)
    patches = {}
    for path in sorted(folders["full"].glob("t*/*/*.png")):
        pixels = np.asarray(Image.open(path))
        (own,) = [
            (number, *np.nonzero((pixels == colour).all(axis=2)))
            for number, colour in enumerate(COLOURS)
            if (pixels == colour).all(axis=2).sum() >= PATCH**2
        ]
        patches[path.relative_to(folders["full"]).as_posix()] = own
    return folders, patches


def test_the_patch_gives_the_class_away_in_training_and_not_in_the_test(decoy):
    _, patches = decoy
    agree = {"train": [], "test": []}
    for name, (number, _, _) in patches.items():
        split, shape, _ = name.split("/")
        agree[split].append(SHAPES[number] == shape)
    assert all(agree["train"])
    # One in six by chance, of 180.
    assert 0.05 < np.mean(agree["test"]) < 0.3


def test_the_patch_fits_no_grid(decoy):
    _, patches = decoy
    tops = set()
    for _, rows, columns in patches.values():
        for places in (rows, columns):
            first, last = int(places.min()), int(places.max())
            assert last - first == PATCH - 1
            assert min(first, SIDE - 1 - last) <= MARGIN
            tops.add(first)
    # Wherever along an edge, whatever the cells of a grid are.
    assert len(tops) == 2 * (MARGIN + 1)


def test_without_the_patch_images_are_the_same_elsewhere(decoy):
    folders, patches = decoy
    names = [
        p.relative_to(folders["clean"]).as_posix() for p in folders["clean"].glob("t*/*/*.png")
    ]
    low = [p.relative_to(folders["low"]).as_posix() for p in folders["low"].glob("t*/*/*.png")]
    assert sorted(names) == sorted(low)
    for name in names[:60]:
        _, rows, columns = patches[name]
        pair = [np.asarray(Image.open(folders[kind] / name)) for kind in ("low", "clean")]
        differs = (pair[0] != pair[1]).any(axis=2)
        patch = np.zeros((SIDE, SIDE), dtype=bool)
        patch[rows, columns] = True
        assert differs[patch].mean() > 0.9
        assert not differs[~patch].any()
        # It is outside the object, as the reviewer's mask has it.
        mask = np.asarray(Image.open(folders["low"] / "masks" / name))
        assert (mask[patch] == 2).all()


def test_another_version_of_the_worlds_is_another_folder(decoy):
    folders, _ = decoy
    assert len(folders["low"].parent.name.split("-")) == 3
