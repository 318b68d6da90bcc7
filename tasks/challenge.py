"""A candidate beside the champion itself, on the test images of now.

A channel compares what a run corrected with what it was before the correction, in the same run. The
champion is another run's network: what was measured of it then may be of other images, so it is
brought back from the registry and asked again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.errors import TrackingError
from models.params import TrainingParams
from tasks.classifier import PREDICT_BATCH, load_classifier, load_split
from tasks.dataset.reference import DatasetRef
from tasks.registered import RegisteredNetwork, load_network, network_metadata
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


@task(name="challenge-champion", cache_policy=NO_CACHE)
@stage("challenge_champion", version=1)
def challenge_champion(
    work: Work,
    *,
    champion: RegisteredNetwork,
    candidate: StageResult,
    dataset: DatasetRef,
    training: TrainingParams,
    confidence: float,
    n_bootstrap: int,
    seed: int,
) -> dict[str, JsonValue]:
    """Compare a candidate with the champion on the test images of the classes that both know.

    Each sees the images at its own size, as its version says.

    Args:
        work: What the stage may touch.
        champion: The champion.
        candidate: Stage with outputs ``model`` and ``spec``.
        dataset: The images.
        training: Size and shape of the candidate's images.
        confidence: Level of the interval.
        n_bootstrap: Resamples.
        seed: Seed of the bootstrap.

    Returns:
        ``accuracy`` of both and their paired ``difference`` over the ``classes`` that both know, of
        ``known`` to the champion; or ``obstacle``, why they cannot be compared.

    Raises:
        TrackingError: If the champion cannot be read from the registry, or does not answer as a
            classifier of images.
    """
    from models.paired import paired_bootstrap
    from models.prediction import predict_logits

    told = network_metadata(champion.uri)
    known = _names(told.get("classes"))
    shared = [c for c, name in enumerate(dataset.classes) if name in known]
    if not shared:
        return {"obstacle": "it knows none of the classes" if known else "its classes are unknown"}
    images = load_split(work, dataset, "test", training)
    labels = images.labels.numpy()
    # First, for the GPU is taken by whoever asks for it until the stage ends.
    answers = _answers(work, champion, told, dataset, training)
    work.progress(1, 2, "champion")
    logits = predict_logits(
        load_classifier(work.artifacts, candidate).to(work.device()), images.images, PREDICT_BATCH
    )
    work.progress(2, 2, "candidate")
    right = {"candidate": logits.argmax(dim=1).numpy() == labels, "champion": answers == labels}
    difference = paired_bootstrap(
        candidate=right["candidate"][None],
        reference=right["champion"][None],
        labels=labels,
        class_ids=shared,
        confidence=confidence,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    return {
        "classes": len(shared),
        "known": len(known),
        "accuracy": {
            name: _mean_over_classes(hits, labels, shared) for name, hits in right.items()
        },
        "difference": {**difference.to_dict()},
    }


def _names(classes: object) -> Sequence[str]:
    return [str(name) for name in classes] if isinstance(classes, list) else []


def _answers(
    work: Work,
    champion: RegisteredNetwork,
    told: dict[str, JsonValue],
    dataset: DatasetRef,
    training: TrainingParams,
) -> "NDArray[np.int64]":
    """Return the class that the champion chooses for each image; -1 for one that is not there.

    On the CPU: it was exported there, and a program may have the device of its making written in.
    """
    import numpy as np
    import torch

    from models.preprocessing import to_float

    network = load_network(champion.uri)
    numbers = {name: number for number, name in enumerate(dataset.classes)}
    column = np.array([numbers.get(name, -1) for name in _names(told.get("classes"))])
    try:
        own = {name: told[name] for name in ("image_size", "resize") if name in told}
        size = TrainingParams.model_validate(training.model_dump(mode="json") | own)
        pixels: Tensor = load_split(work, dataset, "test", size).images
        with torch.no_grad():
            chosen = [
                network(to_float(pixels[start : start + PREDICT_BATCH])).argmax(dim=1)
                for start in range(0, len(pixels), PREDICT_BATCH)
            ]
        answers: NDArray[np.int64] = column[torch.cat(chosen).numpy()]
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError, AssertionError) as e:
        raise TrackingError(
            f"expected {champion.uri} to answer as a classifier of images (got {type(e).__name__}: "
            f"{e}); look at it with MLflow"
        ) from e
    return answers


def _mean_over_classes(
    right: "NDArray[np.bool_]", labels: "NDArray[np.int64]", class_ids: Sequence[int]
) -> float:
    import numpy as np

    return float(np.mean([right[labels == class_id].mean() for class_id in class_ids]))
