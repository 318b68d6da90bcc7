import numpy as np
import torch
from PIL import Image

from models.imageset import UNLABELLED
from tasks.demo.images import render_images
from tasks.demo.plan import CLASSES
from tasks.demo.render import render_demo


def test_images_in_memory_are_the_files(tmp_path):
    render_demo(tmp_path / "data", n_train=2, n_test=2, n_pool=1, workers=1)
    rendered = render_images("test", n_per_class=2)
    for i in (0, 7, 23):
        path = tmp_path / "data" / rendered.images.names[i]
        with Image.open(path) as image:
            assert np.array_equal(rendered.images.images[i].permute(1, 2, 0), np.asarray(image))
        with Image.open(
            (tmp_path / "data/parts/test").joinpath(*path.parts[-2:]).with_suffix(".png")
        ) as parts:
            assert np.array_equal(rendered.parts[i], np.asarray(parts))
        assert rendered.meta[i]["class"] == path.parent.name


def test_a_pool_is_unlabelled_and_its_truth_is_in_meta_only():
    rendered = render_images("pool", n_per_class=1, workers=2)
    assert torch.equal(rendered.images.labels, torch.full((12,), UNLABELLED))
    assert sorted(str(m["class"]) for m in rendered.meta) == list(CLASSES)
