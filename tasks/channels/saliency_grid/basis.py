"""What every stage of the channel stands on: dataset, network, settings of the training."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict, JsonValue

from feedback.canonical import sha256_hex
from models.params import TrainingParams
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult, Work, describe_input, stage

if TYPE_CHECKING:
    from models.imageset import ImageSet


class Basis(BaseModel):
    """References to what was computed before people are asked for the first time.

    Attributes:
        dataset: The images.
        training: Optimisation, image size and shape.
        classifier: The same network fitted without anybody's marks; its split is everybody's.
        digests: Digests of the training images' files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: DatasetRef
    training: TrainingParams
    classifier: StageResult
    digests: StageResult

    def content_key(self) -> JsonValue:
        """Return the content of every part, for the key of a stage that stands on it."""
        return {name: describe_input(getattr(self, name)) for name in type(self).model_fields}


@task(name="digest-images", cache_policy=NO_CACHE)
@stage("digest_images", version=2)
def digest_images(work: Work, *, dataset: DatasetRef) -> dict[str, JsonValue]:
    """Name every training image by what its file holds.

    Args:
        work: What the stage may touch.
        dataset: The images.

    Returns:
        Their number; output ``digests``, sha256 by name.
    """
    from tasks.dataset.layout import normalised, read_index

    index = read_index(dataset.path)
    digests: dict[str, JsonValue] = {}
    for entry in index.of_split("train"):
        # By the name that loaded images have, whichever way the disk spells it.
        digests[normalised(entry.path)] = sha256_hex((index.root / entry.path).read_bytes())
    work.save_json("digests", digests)
    return {"images": len(digests)}


def load_fitted(work: Work, basis: Basis) -> "tuple[ImageSet, list[str]]":
    """Return the images that the network learns from, and the digests of their files.

    Args:
        work: Holds the artifacts.
        basis: What was computed before.
    """
    from tasks.classifier import load_split

    images = load_split(work, basis.dataset, "train", basis.training)
    images = images.select(work.load_tensors(basis.classifier, "split")["train"])
    digests = work.load_json(basis.digests, "digests")
    known = digests if isinstance(digests, dict) else {}
    return images, [str(known[name]) for name in images.names]


def first_rows(digests: Sequence[str]) -> dict[str, int]:
    """Return the row of every file by its digest: of files of equal content the first.

    Args:
        digests: Digests by row.
    """
    return {digest: row for row, digest in reversed(list(enumerate(digests)))}
