import unicodedata

import pytest

from feedback.errors import DatasetError
from tasks.dataset.layout import read_index


def test_a_split_folder_is_read_with_masks_and_pool(sound):
    index = read_index(sound)
    assert index.is_split
    assert index.classes == ("cat", "dög")
    assert [len(index.of_split(split)) for split in ("train", "test", "pool")] == [6, 6, 1]
    assert [entry.mask for entry in index.entries if entry.mask] == ["masks/train/cat/0.png"]
    assert index.of_split("pool")[0].class_name is None


def test_one_folder_is_split_by_the_seed_and_classes_keep_their_share(tmp_path, photo):
    for i, name in enumerate(("a", "b")):
        for j in range(10):
            photo(tmp_path / name / f"{j}.png", 20 * i + j)
    photo(tmp_path / "masks" / "a" / "3.png", 0)
    index = read_index(tmp_path, test_share=0.3, seed=1)
    assert not index.is_split
    test = {entry.path for entry in index.of_split("test")}
    assert len([path for path in test if path.startswith("a/")]) == 3
    assert len(test) == 6
    assert len(index.of_split("train")) == 14
    assert test == {e.path for e in read_index(tmp_path, test_share=0.3, seed=1).of_split("test")}
    assert test != {e.path for e in read_index(tmp_path, test_share=0.3, seed=2).of_split("test")}
    assert index.classes == ("a", "b")


def test_class_names_are_composed_however_the_disk_spells_them(tmp_path, photo):
    spelled = unicodedata.normalize("NFD", "dög")
    for i, name in enumerate((spelled, "cat")):
        photo(tmp_path / "train" / name / "0.png", i)
    index = read_index(tmp_path)
    assert index.classes == ("cat", "dög")
    assert (tmp_path / index.entries[-1].path).is_file()


def test_other_files_are_noted_and_hidden_ones_are_not(sound):
    (sound / "train" / "cat" / "notes.txt").write_text("x")
    (sound / "train" / "cat" / ".DS_Store").write_text("x")
    assert read_index(sound).other_files == ("train/cat/notes.txt",)


def test_a_missing_or_empty_folder_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(DatasetError, match="missing or no folder"):
        read_index(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="got none in"):
        read_index(tmp_path)
    (tmp_path / "test").mkdir()
    with pytest.raises(DatasetError, match="expected train/ beside test/"):
        read_index(tmp_path)
