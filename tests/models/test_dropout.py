"""Dropout from a generator of its own."""

import copy
import threading

import pytest
import torch
from torch import nn

from models.dropout import Dropout, dropout_drawn_from


def drawn(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_same_bits_as_torchs_from_a_generator_in_the_same_state(dtype, layout):
    values = torch.randn(8, 16, 5, 5, generator=drawn(0)).to(dtype, memory_format=layout)
    mine, theirs = Dropout(0.3), nn.Dropout(0.3)
    results = []
    for layer, context in ((mine, dropout_drawn_from(mine, drawn(5))), (theirs, None)):
        given = values.clone(memory_format=torch.preserve_format).requires_grad_()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            if context is None:
                out = layer(given)
            else:
                with context:
                    out = layer(given)
        out.sum().backward()
        results.append((out.detach(), given.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert results[0][0].is_contiguous(memory_format=layout)


def test_the_kept_are_scaled_so_that_the_mean_stays():
    layer = Dropout(0.25)
    with dropout_drawn_from(layer, drawn(0)):
        out = layer(torch.ones(100_000))
    assert sorted(out.unique().tolist()) == pytest.approx([0.0, 4 / 3])
    assert float(out.mean()) == pytest.approx(1.0, abs=0.01)


def test_nothing_is_dropped_in_evaluation_or_at_zero():
    values = torch.randn(10)
    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0)(values) is values


def test_two_threads_draw_as_if_each_were_alone():
    values = torch.ones(50, 1000)

    def run(seed):
        layer = Dropout(0.5)
        with dropout_drawn_from(layer, drawn(seed)):
            return torch.stack([layer(values) for _ in range(50)])

    alone = [run(0), run(1)]
    found = [None, None]
    threads = [
        threading.Thread(target=lambda seed=seed: found.__setitem__(seed, run(seed)))
        for seed in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(a, b) for a, b in zip(alone, found, strict=True))


def test_a_network_can_be_copied_after_it_was_trained():
    layer = nn.Sequential(Dropout(0.5))
    with dropout_drawn_from(layer, drawn(0)):
        layer(torch.ones(3))
    assert layer[0].generator is None
    copy.deepcopy(layer)
