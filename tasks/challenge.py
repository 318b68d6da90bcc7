"""A candidate beside the champion itself, on the test images of now.

A channel compares what a run corrected with what it was before the correction, in the same run. The
champion is another run's network: what was measured of it then may be of other images, so it is
brought back from the registry and asked again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict, JsonValue

from feedback.errors import TrackingError
from models.params import PromotionParams, TrainingParams
from tasks.classifier import PREDICT_BATCH, load_classifier, load_split
from tasks.dataset.reference import DatasetRef
from tasks.registry import DIGEST_TAG, load_network, network_metadata, version_tags
from tasks.stage import StageResult, Work, stage
from tasks.tracking import Tracker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn


class RegisteredNetwork(BaseModel):
    """A registered version of a classifier.

    Attributes:
        name: Registered name.
        version: Version under that name.
        digest: sha256 of its weights; empty for one that Parley did not register.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    digest: str = ""

    @property
    def uri(self) -> str:
        """Address of the version in the registry."""
        return f"models:/{self.name}/{self.version}"

    def content_key(self) -> JsonValue:
        """Return what a stage's key holds of it: its weights where they are known."""
        return {"sha256": self.digest} if self.digest else self.model_dump(mode="json")


def registered_network(tracker: Tracker, name: str, version: str) -> RegisteredNetwork:
    """Look a version up in the registry.

    Raises:
        TrackingError: If there is no such version, or the server refuses.
    """
    digest = version_tags(tracker, name, version).get(DIGEST_TAG, "")
    return RegisteredNetwork(name=name, version=version, digest=digest)


@task(name="challenge-champion", cache_policy=NO_CACHE)
@stage("challenge_champion", version=1)
def challenge_champion(
    work: Work,
    *,
    champion: RegisteredNetwork,
    candidate: StageResult,
    dataset: DatasetRef,
    training: TrainingParams,
    params: PromotionParams,
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
        params: Interval.
        seed: Seed of the bootstrap.

    Returns:
        ``accuracy`` of both and their paired ``difference`` over ``classes``, or ``obstacle``: why
        they cannot be compared.

    Raises:
        TrackingError: If the champion cannot be read from the registry.
    """
    import numpy as np

    from models.paired import paired_bootstrap
    from models.prediction import predict_logits

    network, told = _bring(champion)
    known = _names(told.get("classes"))
    shared = [c for c, name in enumerate(dataset.classes) if name in known]
    if not shared:
        return {"obstacle": "it knows none of the classes" if known else "its classes are unknown"}
    theirs = TrainingParams.model_validate(
        training.model_dump(mode="json")
        | {name: told[name] for name in ("image_size", "resize") if name in told}
    )
    images = load_split(work, dataset, "test", training)
    y = images.labels.numpy()
    own = predict_logits(
        load_classifier(work.artifacts, candidate).to(work.device()),
        images.images,
        PREDICT_BATCH,
        precision=training.precision,
    )
    work.progress(1, 2, "candidate")
    pixels = load_split(work, dataset, "test", theirs).images
    numbers = {name: number for number, name in enumerate(dataset.classes)}
    column = np.array([numbers.get(name, -1) for name in known])
    right = {
        "candidate": (own.argmax(dim=1).numpy() == y)[None],
        # A class of the champion's that is no longer there is an answer like any other: wrong.
        "champion": (column[_answers(network, pixels)] == y)[None],
    }
    work.progress(2, 2, "champion")

    def differ(one: "NDArray[np.bool_]", other: "NDArray[np.bool_]") -> dict[str, float]:
        return paired_bootstrap(
            candidate=one,
            reference=other,
            labels=y,
            class_ids=shared,
            confidence=params.confidence,
            n_bootstrap=params.n_bootstrap,
            seed=seed,
        ).to_dict()

    never = np.zeros((1, len(y)), dtype=np.bool_)
    return {
        "classes": len(shared),
        "accuracy": {name: differ(hits, never)["mean"] for name, hits in right.items()},
        "difference": dict(differ(right["candidate"], right["champion"])),
    }


def _bring(champion: RegisteredNetwork) -> "tuple[nn.Module, dict[str, JsonValue]]":
    try:
        return load_network(champion.uri), network_metadata(champion.uri)
    except TrackingError as error:
        raise TrackingError(
            f"{error}; or set promotion.champion_band to 1 to replace it without comparing"
        ) from error


def _names(classes: object) -> Sequence[str]:
    return [str(name) for name in classes] if isinstance(classes, list) else []


def _answers(network: "nn.Module", pixels: "Tensor") -> "NDArray[np.int64]":
    """Return the class that an exported network chooses for each image, on the CPU.

    It was exported there, and a program may have the device of its making written in.
    """
    import torch

    from models.preprocessing import to_float

    with torch.no_grad():
        chosen = [
            network(to_float(pixels[start : start + PREDICT_BATCH])).argmax(dim=1)
            for start in range(0, len(pixels), PREDICT_BATCH)
        ]
    answers: NDArray[np.int64] = torch.cat(chosen).numpy()
    return answers
