"""What a run that lets go of its process leaves to the one that goes on.

::

    runs/<run>/asked/<round>.json    the request, and the key of every stage behind what it shows
    runs/<run>/asked/<round>-<n>.json  the same of its follow-up n
    runs/<run>/taken/<round>.json    requests whose decisions the round took up beside the one that
                                     it waited for; round 0 are the reviews of earlier runs that it
                                     starts from
    runs/requests/<request>/taken.json  the same of a round that did not wait, for all runs that ask
                                     this request
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from feedback.bundle import ReviewBundle
from feedback.canonical import canonical_json
from feedback.errors import ArtifactError, DatasetError, ObjectNotFoundError
from feedback.fields import Identifier
from feedback.objects import ObjectStore
from feedback.publishing import load_bundle
from tasks.workplace import Workplace

MAX_BYTES = 2**20
"""Largest note that is read."""


class Asked(BaseModel):
    """Request and stages of a run that waits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    request_id: Identifier
    stages: dict[str, str]


class Taken(BaseModel):
    """Decisions that a round took up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: tuple[Identifier, ...]


def save_asked(
    workplace: Workplace, run_id: str, round_: int, request_id: str, follow_up: int = 0
) -> None:
    """Note what a run asks in a round and from which stages, once; the first note stands.

    Args:
        workplace: Knows the stages met so far.
        run_id: The run.
        round_: Round of asking, from 1.
        request_id: Its request.
        follow_up: Which follow-up of the round's request it is; 0 for that request itself.

    Raises:
        StoreError: If the store cannot be written.
    """
    asked = Asked(request_id=request_id, stages=workplace.keys)
    data = canonical_json(asked.model_dump(mode="json"))
    workplace.objects.put_if_absent(_key(run_id, round_, follow_up), data)


def take_up(workplace: Workplace, run_id: str) -> dict[int, tuple[str, ...]]:
    """Read what an earlier process of a run has asked, and go on from its stages.

    Args:
        workplace: Is told the stages to go on from.
        run_id: The run.

    Returns:
        Requests by round, each with its follow-ups after it; none when the run has not asked yet.

    Raises:
        ArtifactError: If the note cannot be read.
        StoreError: If the store cannot be read.
    """
    found: dict[int, tuple[str, ...]] = {}
    while requests := _in_round(workplace, run_id, len(found) + 1):
        found[len(found) + 1] = requests
    return found


def _in_round(workplace: Workplace, run_id: str, round_: int) -> tuple[str, ...]:
    requests: list[str] = []
    while (note := _read(workplace, run_id, round_, len(requests))) is not None:
        requests.append(note.request_id)
        # A later note knows the stages of those before it.
        workplace.pinned = dict(note.stages)
    return tuple(requests)


def _read(workplace: Workplace, run_id: str, round_: int, follow_up: int) -> Asked | None:
    try:
        data = workplace.objects.get(_key(run_id, round_, follow_up), max_bytes=MAX_BYTES)
    except ObjectNotFoundError:
        return None
    try:
        return Asked.model_validate_json(data)
    except ValidationError as error:
        raise _unreadable(run_id) from error


def load_asked(store: ObjectStore, request_id: str, dataset_md5: str) -> ReviewBundle:
    """Read the request of a run that goes on, if its dataset is still the one that was shown.

    Args:
        store: Where the request lies.
        request_id: The request.
        dataset_md5: Digest of the dataset of now.

    Returns:
        Its manifest.

    Raises:
        DatasetError: If the dataset changed while people were asked.
    """
    bundle = load_bundle(store, request_id)
    if bundle.dataset.md5 != dataset_md5:
        raise DatasetError(
            f"expected the dataset {bundle.dataset.md5} that request {request_id} was made from "
            f"(got {dataset_md5}); bring it back with `dvc checkout`, or start a new run"
        )
    return bundle


def taken_by_run(run_id: str, round_: int) -> str:
    """Name the note of what a run takes up in a round, from 1; 0 for what is taken up before."""
    return f"runs/{run_id}/taken/{round_}.json"


def taken_beside(request_id: str) -> str:
    """Name the note of what every run takes up that publishes a request and does not wait for it.

    What later rounds show rests on it. A run that was killed and started again by hand is another
    run; it asks the same of people only if it takes up the same.
    """
    return f"runs/requests/{request_id}/taken.json"


def save_taken(workplace: Workplace, key: str, requests: tuple[str, ...]) -> tuple[str, ...]:
    """Note which decisions are taken up, once.

    Args:
        workplace: Holds the store.
        key: Where: ``taken_by_run`` or ``taken_beside``.
        requests: Requests that are decided.

    Returns:
        The requests of the first note, which stands.

    Raises:
        ArtifactError: If the note cannot be read.
        StoreError: If the store cannot be read or written.
    """
    if workplace.objects.put_if_absent(key, canonical_json({"requests": list(requests)})):
        return requests
    try:
        note = Taken.model_validate_json(workplace.objects.get(key, max_bytes=MAX_BYTES))
    except ValidationError as error:
        raise ArtifactError(
            "expected the note of which decisions were taken up (got another document); take "
            f"{key} out of the store"
        ) from error
    return note.requests


def _unreadable(run_id: str) -> ArtifactError:
    return ArtifactError(
        f"expected the note of what run {run_id} asked (got another document); start a new run"
    )


def _key(run_id: str, round_: int, follow_up: int) -> str:
    return f"runs/{run_id}/asked/{round_}{f'-{follow_up}' if follow_up else ''}.json"
