"""Stages of the channel on a GPU: no tensor is left behind, and results are close to the CPU's."""

from functools import partial

import pytest

from tasks.channels.saliency_grid.evaluating import look_again
from tasks.channels.saliency_grid.explaining import explain_images
from tasks.channels.saliency_grid.training import ask_classifier, train_guided
from tests.on_devices import WHERE, check_result, compute_again

MARKED = ((0, 0), (3, 3))


@pytest.fixture(scope="module")
def calls(begun):
    """How to run every stage with what the CPU computed before it."""
    training = begun.params.training.model_copy(update={"precision": "float32"})
    basis = begun.basis.model_copy(update={"training": training})
    marks = [begun.mark(0, *MARKED), begun.mark(3, (1, 2)), begun.mark(5, (2, 2))]
    given = {
        "basis": basis, "classifier": begun.params.classifier, "weights_sha256": "", "seed": 0,
        "marks": [], "penalty": begun.channel.penalty,
    }  # fmt: skip
    first = train_guided.fn(begun.workplace, **given, start=None, until=1)
    made = {"begin": partial(train_guided.fn, **given, start=None, until=1, watched=5)}
    for form in ("squared", "linear", "difference"):
        penalty = begun.channel.penalty.model_copy(update={"form": form})
        changed = given | {"penalty": penalty, "marks": marks}
        made[form] = partial(train_guided.fn, **changed, start=first, until=2)
    for name in ("deeplift", "integrated_gradients", "input_gradients", "grad_cam"):
        explainer = begun.channel.explainer.model_copy(update={"name": name})
        params = begun.channel.model_copy(update={"explainer": explainer})
        asking = {"trained": first, "asked": [], "params": params, "seed": 0}
        made[name] = partial(explain_images.fn, basis=basis, **asking)
    bank = begun.workplace.artifacts.save_json(marks)
    kept = first.model_copy(update={"outputs": {"marks": bank}})
    made["look_again"] = partial(look_again.fn, basis=basis, bank=kept, original=first,
                                 corrected=first, explainer=begun.channel.explainer)  # fmt: skip
    made["ask"] = partial(ask_classifier.fn, basis=basis)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    "name",
    ["begin", "squared", "linear", "difference", "deeplift", "integrated_gradients",
     "input_gradients", "grad_cam", "look_again", "ask"],
)  # fmt: skip
def test_a_stage_on_a_gpu_gives_what_the_cpu_gives(begun, calls, monkeypatch, name, where):
    expected = calls[name](begun.workplace)
    found = compute_again(calls[name], begun.workplace, where, monkeypatch)
    learns = name in ("begin", "squared", "linear", "difference")
    check_result(begun.workplace.artifacts, found, expected, where, learns=learns)
