"""Training in parts, with marks and without."""

from collections import Counter
from functools import partial

import pytest
import torch

from feedback.errors import ParamsError
from flows.params import load_params
from models import prediction, prefix
from models.saliency_grid.params import SaliencyGridParams
from tasks.channels.saliency_grid.basis import Basis, digest_images
from tasks.channels.saliency_grid.training import (
    TEST_LOSS,
    ask_classifier,
    marked_images,
    penalty_on,
    train_guided,
)
from tasks.classifier import load_split, train_classifier
from tasks.dataset.opening import open_dataset
from tasks.progress import Progress
from tasks.settings import Settings
from tasks.tracking import stage_records
from tasks.workplace import open_workplace
from tests.shapes import tiny_overrides

CELL = ((0, 0), (3, 3))


class Killed(BaseException):
    """The process is gone."""


def test_parts_give_the_bits_of_one_training_and_those_of_the_classifier(begun):
    whole = begun.train(3)
    parts = begun.train(3, start=begun.train(2, start=begun.train(1)))
    assert parts.outputs["model"] == whole.outputs["model"]
    # The arm without marks is the classifier that the run trained anyway.
    assert whole.outputs["model"] == begun.basis.classifier.outputs["model"]
    asked = ask_classifier.fn(begun.workplace, basis=begun.basis)
    assert asked.outputs["test_logits"] == whole.outputs["test_logits"]
    assert whole.number("epoch") == 3


def test_lambda_is_found_in_an_epoch_with_marks_and_kept_by_later_parts(begun):
    first = begun.train(1)
    marks = [begun.mark(0, *CELL), begun.mark(3, (1, 2))]
    guided = begun.train(2, start=first, marks=marks)
    # What lambda is found on is not acted on yet.
    assert guided.outputs["model"] == begun.train(2, start=first).outputs["model"]
    assert guided.number("strength") > 0
    assert first.facts["strength"] is None
    more = begun.train(3, start=guided, marks=[*marks, begun.mark(5, (0, 1))])
    assert more.number("strength") == guided.number("strength")
    assert more.facts["marked_images"] == 3
    alone = begun.train(3, start=guided, marks=marks)
    assert alone.outputs["model"] != more.outputs["model"]
    assert alone.outputs["model"] != begun.train(3, start=guided).outputs["model"]


def test_a_lambda_that_is_set_acts_at_once(begun):
    first = begun.train(1)
    guided = begun.train(2, start=first, marks=[begun.mark(0, *CELL)], strength=2.0)
    assert guided.number("strength") == 2.0
    assert guided.outputs["model"] != begun.train(2, start=first).outputs["model"]


def test_without_marks_no_setting_of_the_penalty_changes_a_bit(begun):
    settings = begun.channel.penalty.model_copy(update={"form": "difference", "strength": 9.0})
    assert penalty_on([begun.mark(0, *CELL)], settings) == settings
    assert penalty_on([], settings) == penalty_on([], begun.channel.penalty)
    # That the settings may be left out: all that the next epoch rests on is the same with them.
    plain, other = (begun.train(2, **penalty) for penalty in ({}, settings.model_dump()))
    assert plain.key != other.key
    for output in ("model", "state"):
        assert plain.outputs[output] == other.outputs[output]
    # Nor where marks went away again: lambda is kept from the part that had some.
    guided = begun.train(1, marks=[begun.mark(0, *CELL)], strength=9.0)
    bare = begun.train(3, start=guided, **penalty_on([], settings).model_dump())
    assert bare.outputs == begun.train(3, start=guided, strength=9.0).outputs
    assert bare.number("strength") == 9.0


@pytest.mark.parametrize(
    ("penalty", "where"),
    [({"strength": 1e300}, "strength"), ({"form": "difference", "rate": 1e300}, "rate")],
)
def test_a_penalty_that_makes_the_loss_infinite_is_named_with_its_lambda(begun, penalty, where):
    named = rf"; lower lambda, which is 1e\+300 .*penalty\.{where}\)"
    with pytest.raises(ParamsError, match=named):
        begun.train(1, marks=[begun.mark(0, *CELL)], **penalty)


@pytest.mark.parametrize("at", [2, 3])
def test_a_killed_part_goes_on_with_the_same_bits(begun, monkeypatch, at):
    marks = [begun.mark(0, *CELL), begun.mark(2, (1, 1))]
    first = begun.train(1)
    expected = begun.train(3, start=first, marks=marks, limit=7.0)
    place = begun.fresh()

    def die(progress, done, total, detail=""):
        if done == at - 1:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "__call__", die)
        with pytest.raises(Killed):
            begun.train(3, start=first, marks=marks, workplace=place, limit=7.0)
    trained = []
    from models import training

    fit = training.fit

    def counted(*given, **options):
        for state in fit(*given, **options):
            trained.append(state.epoch)
            yield state

    monkeypatch.setattr(training, "fit", counted)
    found = begun.train(3, start=first, marks=marks, workplace=place, limit=7.0)
    assert trained == list(range(at + 1, 4))
    assert found.outputs == expected.outputs
    assert found.facts == expected.facts


def test_test_images_are_watched_through_all_parts_and_decide_nothing(begun):
    marks = [begun.mark(0, *CELL)]
    part = begun.train(3, start=begun.train(1, watched=1000), marks=marks, watched=1000)
    unwatched = begun.train(3, start=begun.train(1), marks=marks)
    for output in ("model", "test_logits"):
        assert part.outputs[output] == unwatched.outputs[output]
    history = begun.workplace.artifacts.load_json(part.outputs["progress"])["history"]
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3]
    # All test images are watched: the last loss is that of the logits.
    logits = begun.workplace.artifacts.load_tensors(part.outputs["test_logits"])["logits"]
    labels = load_split(begun.work, begun.basis.dataset, "test", begun.basis.training).labels
    expected = float(torch.nn.functional.cross_entropy(logits, labels))
    assert history[-1][TEST_LOSS] == pytest.approx(expected, rel=1e-5)
    few = begun.train(1, watched=2)
    assert begun.workplace.artifacts.load_json(few.outputs["progress"])["history"][0][TEST_LOSS] > 0


def test_marks_on_an_image_that_is_not_trained_on_are_left_out(begun):
    first = begun.train(1)
    foreign = begun.mark(0, *CELL) | {"image": "f" * 64}
    guided = begun.train(2, start=first, marks=[foreign])
    assert guided.outputs["model"] == begun.train(2, start=first).outputs["model"]


def test_weights_lie_on_the_images_that_were_marked(begun):
    marks = [begun.mark(4, (0, 3)), begun.mark(1, (3, 0), weight=0.5)]
    guidance = marked_images(begun.images, begun.digests, marks, begun.channel.penalty, None)
    rows, maps = guidance.maps(torch.tensor([7, 4, 0, 1]))
    assert rows.tolist() == [1, 3]
    side = begun.images.images.shape[-1] // 4
    expected = torch.zeros(2, 4 * side, 4 * side)
    expected[0, :side, 3 * side :] = 1
    expected[1, 3 * side :, :side] = 0.5
    torch.testing.assert_close(maps, expected)


def test_all_copies_of_a_file_have_its_marks(begun):
    digests = list(begun.digests)
    digests[7] = digests[4]
    guidance = marked_images(begun.images, digests, [begun.mark(4, (0, 3))], begun.channel.penalty)
    rows, maps = guidance.maps(torch.tensor([7, 5, 4]))
    assert rows.tolist() == [0, 2]
    assert maps[0].any()
    assert torch.equal(maps[0], maps[1])


def test_every_epoch_of_a_part_is_told_to_the_tracking(begun):
    first = begun.train(1)
    second = begun.train(3, start=first)
    for part, epochs in ((first, [1]), (second, [2, 3])):
        records = stage_records(begun.workplace, part)
        series = [one for one in records if one.name == "epoch.loss"]
        assert [one.step for one in series] == epochs
        assert series[-1].value == part.number("loss")


def test_lambda_and_the_penalty_of_every_epoch_are_told_to_the_tracking(begun):
    part = begun.train(3, marks=[begun.mark(0, *CELL), begun.mark(3, (1, 2))])
    records = stage_records(begun.workplace, part)
    found = {(one.name, one.step): one.value for one in records}
    penalties = [found["epoch.guidance", epoch] for epoch in (1, 2, 3)]
    assert penalties[0] == 0
    assert min(penalties[1:]) > 0
    assert found["epoch.strength", 1] == found["epoch.strength", 3] == part.number("strength")


@pytest.fixture
def frozen(tmp_path, shapes_dir):
    """Return a network with frozen layers that learned without marks, and what trains it again."""

    def begin(arch, layer):
        params = load_params(
            None,
            tiny_overrides(
                channel="saliency_grid",
                training__epochs="3",
                saliency_grid__sampling__first_epoch="1",
                saliency_grid__sampling__rounds="1",
                classifier__arch=arch,
                classifier__frozen_until=layer,
                classifier__concept_layer="auto",
            ),
        )
        place = open_workplace(Settings(home=tmp_path))
        dataset = open_dataset(place, shapes_dir, unversioned="refuse", training=params.training)
        given = {"classifier": params.classifier, "weights_sha256": "", "seed": 0}
        classifier = train_classifier.fn(place, dataset=dataset, training=params.training, **given)
        basis = Basis(
            dataset=dataset,
            training=params.training,
            classifier=classifier,
            digests=digest_images.fn(place, dataset=dataset),
        )
        penalty = SaliencyGridParams.model_validate(params.of_channel()).penalty
        return classifier, partial(
            train_guided.fn, place, basis=basis, marks=[], penalty=penalty, **given
        )

    return begin


@pytest.mark.parametrize(
    ("arch", "layer"), [("resnet18", "layer1"), ("squeezenet1_1", "features.3")]
)
def test_frozen_layers_leave_the_training_without_marks_the_classifier_s(frozen, arch, layer):
    """With flips alone the outputs of frozen layers are kept, in every arm or in none."""
    classifier, train = frozen(arch, layer)
    start = None
    for until in (1, 2, 3):
        start = train(start=start, until=until)
    assert start.outputs["model"] == classifier.outputs["model"]


def test_all_parts_share_frozen_layers_and_only_the_last_looks_at_the_test(frozen, monkeypatch):
    _, train = frozen("squeezenet1_1", "features.3")
    seen = Counter()

    def counted(module, name):
        function = getattr(module, name)

        def call(model, images, *given, **named):
            seen[name] += len(images)
            return function(model, images, *given, **named)

        monkeypatch.setattr(module, name, call)

    counted(prefix, "build_prefix_cache")
    counted(prediction, "predict_logits")
    parts = [train(start=None, until=1)]
    parts += [train(start=parts[-1], until=until) for until in (2, 3)]
    # 18 images of the fit and 12 of the test; once per part it was 54 and 36.
    assert seen == {"build_prefix_cache": 18, "predict_logits": 12}
    assert ["test_logits" in one.outputs for one in parts] == [False, False, True]
    # Another training on the same images begins where frozen layers end, too.
    train(start=None, until=3)
    assert seen == {"build_prefix_cache": 18, "predict_logits": 24}
