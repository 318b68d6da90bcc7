"""Stage: training from one round of asking to the next, with what people have marked so far."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from models.params import ClassifierParams
from models.saliency_grid.params import PenaltyParams
from tasks.channels.saliency_grid.basis import Basis, load_fitted
from tasks.prefix import shared_prefix
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from models.classifier import Classifier
    from models.imageset import ImageSet
    from models.saliency_grid.guidance import MarkedImages
    from models.saliency_grid.strength import Strength

STRENGTH = "strength"
"""Name of lambda in checkpoints."""
TEST_LOSS = "test_loss"
"""Name in checkpoints of the loss on the watched test images."""


@task(name="train-guided", cache_policy=NO_CACHE)
@stage("train_guided", version=2)
def train_guided(
    work: Work,
    *,
    basis: Basis,
    classifier: ClassifierParams,
    weights_sha256: str,
    start: StageResult | None,
    until: int,
    marks: list[JsonValue],
    penalty: PenaltyParams,
    seed: int,
    watched: int = 0,
) -> dict[str, JsonValue]:
    """Train on for some epochs, with the input-gradient penalty on marked images.

    Everything that decides the next epoch is an output: network, optimiser and lambda. Together
    with the marks, which are part of the key, it survives kill -9 at any point.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        classifier: Architecture and where its weights come from.
        weights_sha256: Digest of the initial weights' file; empty when there is none.
        start: An earlier part of the same training; None begins it.
        until: Epoch after which this part ends.
        marks: Marked images as ``bank_feedback`` keeps them.
        penalty: Form and strength of the penalty, see ``penalty_on``.
        seed: Seed of the initial weights and the batches.
        watched: Test images, spread over all of them, whose loss is measured after every epoch; it
            decides nothing. 0 measures none.

    Returns:
        ``epoch``, ``strength`` (lambda, None while nothing was marked that it could act on or be
        found on), and the last epoch's metrics; outputs ``model``, ``spec``, ``state``,
        ``progress``, and ``history``, the epochs of this part; of the last part also
        ``test_logits``.
    """
    from models.augmentation import is_flip_only
    from models.classification_loss import classification_loss
    from models.classifier import build_classifier
    from models.prediction import predict_logits
    from models.training import fit
    from tasks.checkpoints import from_parts, load_latest, save_checkpoint, to_parts
    from tasks.classifier import PREDICT_BATCH, load_split
    from tasks.weights import load_weights, resolve_preprocess

    images, digests = load_fitted(work, basis)
    params = resolve_preprocess(classifier)
    model = build_classifier(params, len(basis.dataset.classes), seed=seed)
    if params.weights is not None:
        load_weights(model, params.weights)
    model = model.to(work.device())
    found = load_latest(work.scratch)
    if found is None and start is not None:
        progress = work.load_json(start, "progress")
        found = from_parts(
            work.load_tensors(start, "state"), progress if isinstance(progress, dict) else {}
        )
    history: list[JsonValue] = list(found.history) if found else []
    earlier = int(start.number("epoch")) if start is not None else 0
    strength = _strength(history, penalty)
    guidance = marked_images(images, digests, marks, penalty, strength)
    # Frozen layers are run as for the classifier: the arms must differ in nothing but the marks.
    flips = is_flip_only(basis.training.augment)
    prefix = shared_prefix(work, model, images) if flips else None
    state = found.state if found else None
    first = state.epoch if state else 0
    running = fit(
        model,
        images,
        classification_loss(images.labels, len(basis.dataset.classes), basis.training),
        params=basis.training,
        seed=seed,
        start=state,
        evaluate=_watching(work, basis, watched),
        prefix=prefix,
        guidance=guidance,
    )
    # A process killed between its last epoch and its record has no epoch left.
    while state is None or state.epoch < until:
        state = next(running)
        strength.settle()
        history.append({"epoch": state.epoch, STRENGTH: strength.value, **state.metrics})
        save_checkpoint(work.scratch, state, history)
        work.progress(state.epoch - first, until - first, f"loss {state.metrics['loss']:.3f}")
    model.load_state_dict(state.model)
    work.save_tensors("model", model.state_dict())
    work.outputs["spec"] = basis.classifier.outputs["spec"]
    tensors, rest = to_parts(state, history)
    work.save_tensors("state", tensors)
    work.save_json("progress", rest)
    work.save_json("history", history[earlier:])
    if until >= basis.training.epochs:
        # Arms are compared at their ends, and nobody looks at test images before.
        test = load_split(work, basis.dataset, "test", basis.training)
        logits = predict_logits(
            model.eval(), test.images, PREDICT_BATCH, precision=basis.training.precision
        )
        work.save_tensors("test_logits", {"logits": logits})
    last = history[-1]
    return {**(last if isinstance(last, dict) else {}), "marked_images": len(marks)}


def penalty_on(marks: list[JsonValue], penalty: PenaltyParams) -> PenaltyParams:
    """Return the penalty that the key of a part should hold: the defaults where nothing is marked.

    There it does nothing, and settings in the key would train the same network again for each.

    Args:
        marks: Marked images.
        penalty: The settings.
    """
    return penalty if marks else PenaltyParams()


@task(name="ask-classifier", cache_policy=NO_CACHE)
@stage("ask_classifier", version=1)
def ask_classifier(work: Work, *, basis: Basis) -> dict[str, JsonValue]:
    """Ask the network that was fitted without marks about the test images.

    Args:
        work: What the stage may touch.
        basis: What was computed before.

    Returns:
        Number of images; outputs ``model``, ``spec`` and ``test_logits``, as of ``train_guided``.
    """
    from models.prediction import predict_logits
    from tasks.classifier import PREDICT_BATCH, load_classifier, load_split

    test = load_split(work, basis.dataset, "test", basis.training)
    model = load_classifier(work.artifacts, basis.classifier).to(work.device())
    for output in ("model", "spec"):
        work.outputs[output] = basis.classifier.outputs[output]
    logits = predict_logits(model, test.images, PREDICT_BATCH, precision=basis.training.precision)
    work.save_tensors("test_logits", {"logits": logits})
    return {"images": len(test)}


def marked_images(
    images: "ImageSet",
    digests: list[str],
    marks: list[JsonValue],
    penalty: PenaltyParams,
    strength: "Strength | None" = None,
) -> "MarkedImages | None":
    """Return the marks on these images as a term of the loss; None when there are none.

    Args:
        images: Images of the fit.
        digests: Digests of their files; files of equal content have the same marks.
        marks: Marked images, by digest; those of no image of the fit are left out.
        penalty: Form and strength.
        strength: Lambda as far as it was found before.
    """
    import torch

    from models.saliency_grid.guidance import MarkedImages

    weights_of = {
        str(mark["image"]): torch.tensor(mark["weights"], dtype=torch.float32)
        for mark in marks
        if isinstance(mark, dict)
    }
    positions = [row for row, digest in enumerate(digests) if digest in weights_of]
    if not positions:
        return None
    height, width = images.images.shape[2:]
    return MarkedImages(
        torch.tensor(positions),
        torch.stack([weights_of[digests[row]] for row in positions]),
        (height, width),
        images.labels,
        penalty,
        strength,
    )


def _watching(
    work: Work, basis: Basis, watched: int
) -> "Callable[[Classifier], dict[str, float]] | None":
    """Return what measures the loss on some test images; None when none are watched."""
    if not watched:
        return None
    import torch

    from models.prediction import evaluate_classifier
    from tasks.classifier import load_split

    test = load_split(work, basis.dataset, "test", basis.training)
    # Images are in the order of their classes: an even spread has all of them.
    spread = torch.linspace(0, len(test) - 1, min(watched, len(test))).round().long()
    some = test.select(spread)

    def measure(model: "Classifier") -> dict[str, float]:
        return {TEST_LOSS: evaluate_classifier(model, some)["validation_loss"]}

    return measure


def _strength(history: list[JsonValue], penalty: PenaltyParams) -> "Strength":
    """Return lambda, which an earlier epoch may have found."""
    from models.saliency_grid.strength import Strength

    last = history[-1] if history else None
    value = last.get(STRENGTH) if isinstance(last, dict) else None
    return Strength(penalty, float(value) if isinstance(value, int | float) else None)
