"""Stages of the classifier: fit it to the labelled images, and ask it about all of them."""

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.errors import DatasetError, WeightsError
from models.params import ClassifierParams, TrainingParams
from tasks.artifacts import ArtifactRef, ArtifactStore
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor

    from models.classifier import Classifier
    from models.imageset import ImageSet
    from tasks.dataset.layout import Split

PREDICT_BATCH = 64
"""Images per forward when only logits are wanted; larger batches were no faster on two cores."""


@task(name="train-classifier", cache_policy=NO_CACHE)
@stage("train_classifier", version=1)
def train_classifier(
    work: Work,
    *,
    dataset: DatasetRef,
    classifier: ClassifierParams,
    training: TrainingParams,
    weights_sha256: str,
    seed: int,
) -> dict[str, JsonValue]:
    """Fit the classifier to the training images that are not carved out for validation.

    A checkpoint is kept after every epoch in the stage's scratch folder, so that a killed run goes
    on with the next epoch.

    Args:
        work: What the stage may touch.
        dataset: Labelled images.
        classifier: Architecture and where its weights come from.
        training: Optimisation and augmentation.
        weights_sha256: Digest of the initial weights' file; empty when there is none. Part of the
            stage's key.
        seed: Seed of the split, the initial weights and the batches.

    Returns:
        Accuracy and loss of the last epoch; outputs ``model``, ``spec``, ``split`` and ``history``.
    """
    import torch

    from models.augmentation import is_flip_only
    from models.classification_loss import classification_loss
    from models.classifier import build_classifier
    from models.prefix import build_prefix_cache
    from models.training import fit
    from tasks.checkpoints import load_latest, save_checkpoint
    from tasks.dataset.split import carve_validation
    from tasks.weights import load_weights, resolve_preprocess

    images = load_split(work, dataset, "train", training)
    train_index, validation_index = carve_validation(
        images.labels, training.validation_share, seed=seed
    )
    train, validation = images.select(train_index), images.select(validation_index)
    params = resolve_preprocess(classifier)
    # The specification must build the same network when it is read without the weights' path.
    params = params.model_copy(update={"width": params.channel_multiplier})
    model = build_classifier(params, len(dataset.classes), seed=seed)
    if params.weights is not None:
        load_weights(model, params.weights)
    model = model.to(work.device())
    state = load_latest(work.scratch)
    history: list[JsonValue] = list(state.history) if state else []
    started = state.state if state else None
    prefix = build_prefix_cache(model, train.images) if is_flip_only(training.augment) else None
    for epoch in fit(
        model,
        train,
        classification_loss(train.labels, len(dataset.classes), training),
        params=training,
        seed=seed,
        start=started,
        evaluate=lambda fitted: _validate(fitted, validation, training.precision),
        prefix=prefix,
    ):
        history.append({"epoch": epoch.epoch, **epoch.metrics})
        save_checkpoint(work.scratch, epoch, history)
        work.progress(
            epoch.epoch,
            training.epochs,
            f"loss {epoch.metrics['loss']:.3f}  "
            f"validation {epoch.metrics['validation_accuracy']:.3f}",
        )
    work.save_tensors("model", model.state_dict())
    work.save_json(
        "spec",
        {
            "params": params.model_dump(mode="json"),
            "classes": list(dataset.classes),
            "image_size": training.image_size,
        },
    )
    work.save_tensors("split", {"train": train_index, "validation": validation_index})
    work.save_json("history", history)
    last = history[-1]
    if not isinstance(last, dict) or not torch.isfinite(torch.tensor(last["loss"])):
        raise WeightsError(
            "expected training to end with a finite loss (got one that is not); lower training.lr"
        )
    return {"epochs": training.epochs, **last}


@task(name="predict", cache_policy=NO_CACHE)
@stage("predict", version=1)
def predict(
    work: Work, *, dataset: DatasetRef, classifier: StageResult, training: TrainingParams
) -> dict[str, JsonValue]:
    """Compute the classifier's logits on every image of the dataset once.

    Args:
        work: What the stage may touch.
        dataset: The images.
        classifier: A fitted classifier.
        training: Image size and shape.

    Returns:
        Number of images per split; output ``logits`` holds one tensor (B, N) per split.
    """
    from models.training import predict_logits

    model = load_classifier(work.artifacts, classifier).to(work.device())
    logits: dict[str, Tensor] = {}
    for split in ("train", "test", *(("pool",) if dataset.n_pool else ())):
        images = load_split(work, dataset, split, training)
        logits[split] = predict_logits(
            model, images.images, PREDICT_BATCH, precision=training.precision
        )
    work.save_tensors("logits", logits)
    return {split: len(values) for split, values in logits.items()}


def _validate(model: "Classifier", validation: "ImageSet", precision: str) -> dict[str, float]:
    import torch.nn.functional as F

    from models.training import predict_logits

    logits = predict_logits(model, validation.images, PREDICT_BATCH, precision=precision)
    return {
        "validation_accuracy": float((logits.argmax(1) == validation.labels).float().mean()),
        "validation_loss": float(F.cross_entropy(logits, validation.labels)),
    }


def load_split(
    work: Work, dataset: DatasetRef, split: "Split", training: TrainingParams
) -> "ImageSet":
    """Return the images of one split at the network's input size, decoded once per dataset version.

    Args:
        work: Its cache folder keeps the decoded pixels.
        dataset: The dataset.
        split: ``train``, ``test`` or ``pool``.
        training: Image size and shape.

    Raises:
        DatasetError: If the folder was changed since the run found it, so far as that matters.
    """
    from tasks.dataset.images import load_images
    from tasks.dataset.layout import read_index

    index = read_index(dataset.path)
    if index.classes != dataset.classes:
        raise DatasetError(
            f"expected the classes of {dataset.md5} in {dataset.path} (got {len(index.classes)} "
            f"classes, not the {len(dataset.classes)} that the run found); "
            "bring it back with `dvc checkout`, or start a new run"
        )
    return load_images(
        index,
        split,
        size=training.image_size,
        resize=training.resize,
        cache_dir=work.cache,
        dataset_md5=dataset.md5,
    )


def load_classifier(artifacts: ArtifactStore, classifier: StageResult) -> "Classifier":
    """Rebuild a fitted classifier from its artifacts, in evaluation mode on the CPU."""
    return load_model(artifacts, classifier.outputs["model"], classifier.outputs["spec"])


def load_model(artifacts: ArtifactStore, model: ArtifactRef, spec: ArtifactRef) -> "Classifier":
    """Rebuild a network from the artifacts of its weights and its specification."""
    from models.classifier import build_classifier

    description = artifacts.load_json(spec)
    if not isinstance(description, dict) or not isinstance(description["classes"], list):
        raise WeightsError(f"expected a classifier's specification in {spec.uri}")
    params = ClassifierParams.model_validate(description["params"])
    network = build_classifier(params, len(description["classes"]), seed=0)
    network.load_state_dict(artifacts.load_tensors(model))
    return network.eval()
