"""What a request was made from, so that a worker can compute with the same stages later.

::

    origins/<request>.json    parameters, dataset and finished stages of the run that asked
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from feedback.canonical import canonical_json
from feedback.errors import ArtifactError, DatasetError, ObjectNotFoundError
from feedback.fields import Identifier
from feedback.objects import ObjectStore
from tasks.dataset.opening import current_md5
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult
from tasks.workplace import Workplace

MAX_BYTES = 16 * 2**20
"""Largest note that is read."""


class Origin(BaseModel):
    """Parameters, dataset and stages behind a request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    request_id: Identifier
    params: dict[str, JsonValue]
    dataset: DatasetRef
    stages: dict[str, StageResult]


def save_origin(store: ObjectStore, origin: Origin) -> None:
    """Note what a request was made from; the latest run that asks it knows where its data lies.

    Raises:
        StoreError: If the store cannot be written.
    """
    store.put(_key(origin.request_id), canonical_json(origin.model_dump(mode="json")))


def load_origin(store: ObjectStore, request_id: str) -> Origin:
    """Read what a request was made from.

    Args:
        store: Where the request lies.
        request_id: The request.

    Returns:
        The note.

    Raises:
        ArtifactError: If there is none, or it cannot be read.
        StoreError: If the store cannot be read.
    """
    try:
        data = store.get(_key(request_id), max_bytes=MAX_BYTES)
    except ObjectNotFoundError:
        raise ArtifactError(
            f"expected a note of what {request_id} was made from (got none: its run was started "
            "by an earlier version, or asks nobody); start the run again"
        ) from None
    try:
        origin = Origin.model_validate_json(data)
    except ValidationError as error:
        raise ArtifactError(
            f"expected a note of what {request_id} was made from (got another document); start the "
            "run again"
        ) from error
    if origin.request_id != request_id:
        raise ArtifactError(
            f"expected a note about {request_id} (got one about {origin.request_id}); start the "
            "run again"
        )
    return origin


def check_origin(workplace: Workplace, origin: Origin, dataset_md5: str) -> None:
    """Refuse to compute with a dataset that is not the one that people were shown.

    Args:
        workplace: Its cache remembers the md5 of files already hashed.
        origin: What the request was made from.
        dataset_md5: Dataset that the request names.

    Raises:
        DatasetError: If the dataset is not on this machine, or is another version.
    """
    found = current_md5(workplace, origin.dataset.path)
    if not found == origin.dataset.md5 == dataset_md5:
        raise DatasetError(
            f"expected the dataset {dataset_md5} that {origin.request_id} was made from at "
            f"{origin.dataset.path} (got {found}); bring it back with `dvc checkout`"
        )


def _key(request_id: str) -> str:
    return f"origins/{request_id}.json"
