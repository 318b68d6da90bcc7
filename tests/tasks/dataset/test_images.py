import pytest
import torch

from feedback.errors import DatasetError
from models.imageset import UNLABELLED
from tasks.dataset.images import load_images
from tasks.dataset.layout import read_index
from tasks.dataset.version import folder_md5


def test_images_come_in_index_order_with_labels_and_masks(sound):
    images = load_images(read_index(sound), "train", size=16)
    assert images.images.shape == (6, 3, 16, 16)
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.classes == ("cat", "dög")
    assert images.names[0] == "train/cat/0.png"
    assert images.masks is not None
    assert images.masks[0].unique().tolist() == [2]
    assert images.masks[1].unique().tolist() == [0]


def test_a_pool_is_unlabelled_and_a_split_without_masks_has_none(sound):
    pool = load_images(read_index(sound), "pool", size=16)
    assert pool.labels.tolist() == [UNLABELLED]
    assert pool.masks is None


def test_the_cache_gives_the_same_and_is_not_read_after_a_change(sound, tmp_path, photo):
    index = read_index(sound)
    cache = tmp_path / "cache"
    first = load_images(index, "train", size=16, cache_dir=cache)
    calls: list[int] = []
    second = load_images(
        index, "train", size=16, cache_dir=cache, on_progress=lambda n, _: calls.append(n)
    )
    assert torch.equal(first.images, second.images)
    assert calls == []
    photo(sound / "train" / "cat" / "0.png", 999)
    third = load_images(read_index(sound), "train", size=16, cache_dir=cache)
    assert not torch.equal(third.images[0], first.images[0])


def test_a_cut_cache_file_is_decoded_again(sound, tmp_path):
    index = read_index(sound)
    first = load_images(index, "train", size=16, cache_dir=tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:70])
    again = load_images(index, "train", size=16, cache_dir=tmp_path / "cache")
    assert torch.equal(first.images, again.images)


def test_a_version_that_is_decoded_is_not_hashed_again_and_outlives_a_change(
    sound, tmp_path, photo, monkeypatch
):
    index, md5 = read_index(sound), folder_md5(sound)
    wanted = {"size": 16, "cache_dir": tmp_path / "cache", "dataset_md5": md5}
    first = load_images(index, "train", **wanted)
    photo(sound / "train" / "cat" / "0.png", 999)
    with monkeypatch.context() as patch:
        patch.setattr("tasks.dataset.images.folder_md5", lambda *_, **__: pytest.fail("hashed"))
        assert torch.equal(first.images, load_images(index, "train", **wanted).images)
    with pytest.raises(DatasetError, match=f"expected .* to stay as the run found it, {md5}"):
        load_images(index, "test", **wanted)
    assert not list((tmp_path / "cache").rglob("test-*"))


def test_a_damaged_file_is_named(sound):
    (sound / "train" / "cat" / "0.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match="expected a readable image"):
        load_images(read_index(sound), "train", size=16)
