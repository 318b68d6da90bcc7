"""A stage computed again on a GPU, real or pretended, and how close it is to what the CPU computed.

On a pretended GPU the arithmetic is the CPU's, so results must be the CPU's bits: whatever differs
was drawn or decided by the device. Rounding as a real one does, or on a real one, they must be
within the tolerance that ``models.precision`` states.
"""

from contextlib import contextmanager

import pytest
import torch

from models.precision import DECISIONS, FLOAT32, GRADIENTS, LEARNED
from tasks import device
from tests.pretended_gpu import pretended_gpu

REAL = pytest.param("cuda", marks=pytest.mark.gpu)
WHERE = ["pretended", "rounding", REAL]


@contextmanager
def computing_on(where, monkeypatch):
    """Let stages find a GPU, and insist that they used it."""
    with monkeypatch.context() as patch:
        patch.setattr(device, "best_device", lambda: torch.device("cuda"))
        if where == "cuda":
            yield
            return
        patch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
        with pretended_gpu(rounds=where == "rounding") as gpu:
            yield
        assert gpu.heavy["cuda"]
        assert not gpu.heavy["cpu"], f"computed on the CPU: {gpu.heavy['cpu']}"


def compute_again(run, workplace, where, monkeypatch):
    """Run a stage on a GPU although its result is known."""
    place = workplace.detached()
    place.fresh = True
    with computing_on(where, monkeypatch):
        found = run(place)
    assert not found.reused
    return found


def check_result(artifacts, found, expected, where, *, learns, tolerance=FLOAT32):
    """Compare what a stage left behind: tensors, and facts that are numbers."""
    if where == "pretended":
        assert found.digest() == expected.digest()
        return
    tolerance = LEARNED if learns else tolerance
    for output, ref in expected.outputs.items():
        # Weights that learned drift apart where a gradient is about 0; what they say does not.
        if ref.kind == "tensors" and output not in ("model", "reasoner", "state"):
            got = artifacts.load_tensors(found.outputs[output])
            for key, value in artifacts.load_tensors(ref).items():
                check_tensor(f"{output}.{key}", got[key], value, tolerance)
    for fact, value in expected.facts.items():
        if fact == "strength" and value is not None:  # a loss over the square of a gradient
            assert found.facts[fact] == pytest.approx(value, rel=3 * GRADIENTS)
        elif isinstance(value, float):
            assert found.facts[fact] == pytest.approx(value, rel=tolerance, abs=tolerance), fact


def check_tensor(name, found, expected, tolerance):
    """Compare numbers by the largest of them, and decisions by how many fell otherwise."""
    if not expected.is_floating_point():
        other = float((found != expected).float().mean()) if expected.numel() else 0.0
        assert other <= max(DECISIONS, tolerance), (name, other)
        return
    known = expected.isfinite()
    assert torch.equal(known, found.isfinite()), name
    if not bool(known.any()):
        return
    gaps = (found - expected)[known].abs()
    if name.endswith("gate_coverage"):  # a share of cells, each in or out
        assert float(gaps.mean()) <= DECISIONS, (name, float(gaps.mean()))
        return
    if "gradients" in name:  # of the whole tensor, for single units switch
        assert float(gaps.norm()) <= GRADIENTS * float(expected[known].norm()), name
        return
    largest = float(expected[known].abs().max())
    assert float(gaps.max()) <= tolerance * largest + 1e-6, (name, float(gaps.max()), largest)
