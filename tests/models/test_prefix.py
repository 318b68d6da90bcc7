import logging

import torch

from models.classifier import build_classifier
from models.params import ClassifierParams
from models.prefix import build_prefix_cache

IMAGES = torch.randint(0, 256, (5, 3, 48, 48), generator=torch.Generator().manual_seed(0)).to(
    torch.uint8
)


def network(frozen_until="features.4"):
    return build_classifier(
        ClassifierParams(arch="squeezenet1_1", width=0.125, frozen_until=frozen_until), 3
    )


def test_lookups_are_what_the_frozen_layers_say_of_the_image_or_its_mirror():
    model = network()
    cache = build_prefix_cache(model, IMAGES, batch_size=2)
    index, flags = torch.tensor([4, 0]), torch.tensor([True, False])
    with torch.no_grad():
        expected = torch.cat(
            [model.prefix(IMAGES[4:].flip(-1) / 255), model.prefix(IMAGES[:1] / 255)]
        )
    torch.testing.assert_close(cache.lookup(index, flags), expected)
    assert len(cache) == 5


def test_half_precision_halves_the_memory_within_its_rounding():
    full, half = (
        build_prefix_cache(network(), IMAGES, dtype=dtype)
        for dtype in (torch.float32, torch.float16)
    )
    assert half.values.nbytes * 2 == full.values.nbytes
    torch.testing.assert_close(half.values.float(), full.values, rtol=2e-3, atol=1e-3)


def test_a_cache_beyond_its_budget_is_not_built_and_said_so(caplog):
    caplog.set_level(logging.WARNING)
    assert build_prefix_cache(network(), IMAGES, budget_bytes=1000) is None
    assert "no prefix cache" in caplog.text


def test_nothing_is_cached_when_nothing_is_frozen():
    assert build_prefix_cache(network(frozen_until=None), IMAGES) is None


def test_building_leaves_the_mode_alone():
    model = network().train()
    build_prefix_cache(model, IMAGES)
    assert model.training
