"""Datasets of the squares' benchmark: every seed has images of its own."""

import pytest

from benchmarks.saliency.worlds import make_world
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
