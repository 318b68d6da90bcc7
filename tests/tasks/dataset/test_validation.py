import shutil

import numpy as np
import pytest
from PIL import Image

from feedback.errors import DatasetError
from tasks.dataset.images import load_images
from tasks.dataset.inspection import LARGEST
from tasks.dataset.layout import read_index
from tasks.dataset.validation import check_dataset, check_structure


def found(root, **options):
    return {(p.kind, p.path): p for p in check_dataset(read_index(root), **options)}


def test_a_sound_dataset_has_no_problems(sound):
    assert found(sound) == {}
    check_structure(read_index(sound))


def test_undecodable_and_truncated_files_are_found(sound):
    (sound / "train/cat/0.png").write_bytes(b"no image")
    whole = (sound / "test/cat/0.jpg").read_bytes()
    (sound / "test/cat/0.jpg").write_bytes(whole[: len(whole) // 2])
    problems = found(sound)
    assert set(problems) == {("unreadable", "train/cat/0.png"), ("unreadable", "test/cat/0.jpg")}
    assert not any(p.fatal for p in problems.values())


def test_a_decompression_bomb_is_found_before_it_unfolds(sound):
    assert ("too_many_pixels", "pool/a.png") in found(sound, max_pixels=100)
    Image.new("1", (20_000, 20_000)).save(sound / "train/cat/0.png")
    problems = found(sound, max_pixels=LARGEST)
    assert set(problems) == {("too_many_pixels", "train/cat/0.png")}
    # No option would help: Pillow opens no such file.
    assert problems["too_many_pixels", "train/cat/0.png"].message.endswith("; shrink it")


def test_what_a_raised_limit_lets_in_is_read_without_a_word_of_pillow(sound, monkeypatch):
    # 24x16 pixels lie between the limit that Pillow warns of and the one that it refuses at.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    assert found(sound, max_pixels=24 * 16) == {}
    assert len(load_images(read_index(sound), "train", size=16)) == 6


@pytest.mark.parametrize(
    ("target", "kind", "fatal"),
    [
        ("train/cat/9.png", "duplicate", False),
        ("train/dög/9.png", "duplicate_across_classes", True),
        ("test/cat/9.png", "duplicate_across_splits", True),
        ("pool/9.png", "duplicate_across_splits", True),
    ],
)
def test_the_same_content_twice_is_found(sound, target, kind, fatal):
    shutil.copy(sound / "train/cat/1.png", sound / target)
    problems = list(found(sound).values())
    assert [(p.kind, p.fatal) for p in problems] == [(kind, fatal)]


def test_empty_and_single_image_classes_and_strangers_are_fatal(sound, photo):
    (sound / "train/empty").mkdir()
    photo(sound / "train/single/0.png", 70)
    photo(sound / "test/stranger/0.png", 71)
    problems = found(sound)
    assert {kind for kind, _ in problems} == {
        "empty_class",
        "single_image_class",
        "class_not_in_train",
    }
    assert all(p.fatal for p in problems.values())
    with pytest.raises(DatasetError, match="and 2 more"):
        check_structure(read_index(sound))


def test_a_class_whose_images_are_all_damaged_counts_as_empty(sound):
    for path in (sound / "train/cat").iterdir():
        path.write_bytes(b"no image")
    assert ("empty_class", "train/cat") in found(sound)


def test_one_class_is_too_few(sound):
    for split in ("train", "test"):
        shutil.rmtree(sound / split / "dög")
    assert ("too_few_classes", "train") in found(sound)


def test_masks_of_another_size_value_or_kind_are_found(sound):
    mask = sound / "masks/train/cat/0.png"
    Image.fromarray(np.ones((16, 23), dtype=np.uint8)).save(mask)
    assert set(found(sound)) == {("mask_size", "masks/train/cat/0.png")}
    Image.fromarray(np.full((16, 24), 255, dtype=np.uint8)).save(mask)
    assert set(found(sound)) == {("mask_values", "masks/train/cat/0.png")}
    mask.write_bytes(b"no mask")
    assert set(found(sound)) == {("mask_unreadable", "masks/train/cat/0.png")}


def test_links_out_of_the_folder_are_fatal(sound, tmp_path, photo):
    outside = photo(tmp_path / "elsewhere" / "secret.png", 5)
    (sound / "train/cat/link.png").symlink_to(outside)
    assert found(sound)["outside", "train/cat/link.png"].fatal


def test_names_that_other_systems_hold_for_one_are_fatal(sound, photo):
    photo(sound / "train/cat/Ä.png", 81)
    photo(sound / "train/cat/a\u0308.PNG", 82)
    assert {p.kind for p in found(sound).values()} == {"collision"}


def test_two_images_may_not_share_a_mask(sound, photo):
    photo(sound / "train/cat/0.jpg", 83)
    assert ("collision", "masks/train/cat/0.png") in found(sound)
