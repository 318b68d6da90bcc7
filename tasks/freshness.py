"""What a run would start from, and whether an earlier one started from the same.

::

    runs/<run>/started.json     what a deployed run started from
    finished/<model>.json       the same of the run that finished last
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from feedback.canonical import canonical_json, sha256_hex
from feedback.closed import accepted_feedback
from feedback.decision import Decision
from feedback.errors import ObjectNotFoundError
from feedback.follow_up import FOLLOWED
from feedback.objects import ObjectStore
from feedback.parking import list_parked
from feedback.recording import load_decision
from feedback.states import ReviewState
from tasks.dataset.reference import DatasetRef
from tasks.dataset.version import read_md5, record_of
from tasks.source import source_digest

MAX_BYTES = 4 * 2**20
"""Largest note that is read."""
ASKED_IN_VAIN = frozenset({ReviewState.EXPIRED, ReviewState.WITHDRAWN, ReviewState.STALE})
"""Outcomes after which the same evidence is asked about again."""
_LONGEST = 300


class StartingPoint(BaseModel):
    """All that decides what a run does.

    Attributes:
        data: DVC's md5 of the dataset.
        code: Digest of the source of the flow and of all that it imports.
        params: Digest of the parameters and of the files that they name.
        feedback: What people said that stands: digest of the closing decision by request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    code: str
    params: str
    feedback: dict[str, str]

    def changes_since(self, earlier: "StartingPoint") -> tuple[str, ...]:
        """Name the parts that differ."""
        return tuple(
            name
            for name in type(self).model_fields
            if getattr(self, name) != getattr(earlier, name)
        )


class Finished(BaseModel):
    """The run of a model that finished last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    run: str
    at: datetime
    point: StartingPoint
    refused: str = ""
    """How its review ended, when it did not approve, and what would ask again; empty else."""


def starting_point(
    store: ObjectStore,
    dataset: DatasetRef,
    params: Mapping[str, JsonValue],
    *,
    model: str,
    modules: Sequence[str],
) -> StartingPoint:
    """Describe what a run would start from now.

    Args:
        store: Where reviews lie.
        dataset: The dataset.
        params: All parameters, with digests of the files that they name.
        model: Registered name.
        modules: The modules that order the run's steps, by their dotted names.

    Raises:
        StoreError: If the store cannot be read.
    """
    code = {module: source_digest(module) for module in modules}
    return StartingPoint(
        data=dataset.md5,
        code=sha256_hex(canonical_json(code)),
        params=sha256_hex(canonical_json(dict(params))),
        feedback=accepted_feedback(store, model),
    )


def why_skip(store: ObjectStore, model: str, run_id: str, point: StartingPoint) -> str | None:
    """Tell why a run would find nothing new to do.

    Args:
        store: Holds the notes of earlier runs.
        model: Registered name.
        run_id: The run itself.
        point: What it would start from.

    Returns:
        A sentence that names the run before, and the review that ended it without an approval;
        None when there is something to do.

    Raises:
        StoreError: If the store cannot be read.
    """
    same = f"data {point.data[:8]}, code, parameters and {len(point.feedback)} accepted reviews"
    last = _last_finished(store, model)
    if last is not None and not point.changes_since(last.point):
        told = f"nothing changed since run {last.run} of {last.at:%Y-%m-%d %H:%M} UTC: {same}"
        return f"{told}; {last.refused}" if last.refused else told
    for parked in list_parked(store):
        if parked.flow_run != run_id and _read_start(store, parked.flow_run) == point:
            return (
                f"run {parked.flow_run} waits for an answer to {parked.request_id} already, with "
                f"the same {same}"
            )
    return None


def run_that_waits_on(store: ObjectStore, data_dir: Path) -> str | None:
    """Name a run that waits for people and could not go on if a dataset changed now.

    Args:
        store: Holds the notes of runs.
        data_dir: The dataset; one that DVC does not version keeps nobody waiting.

    Returns:
        The run, or None.

    Raises:
        DatasetError: If DVC's record cannot be read.
        StoreError: If the store cannot be read.
    """
    record = record_of(data_dir)
    parked = list_parked(store)
    if not parked or not record.exists():
        return None
    recorded = read_md5(record)
    for one in parked:
        started = _read_start(store, one.flow_run)
        if started is not None and started.data == recorded:
            return one.flow_run
    return None


def save_start(store: ObjectStore, run_id: str, point: StartingPoint) -> StartingPoint:
    """Note what a run starts from, once; return the note that stands.

    A run that goes on after a pause keeps to its first note, so that what changed meanwhile is new
    to the next one.
    """
    store.put_if_absent(_start_key(run_id), canonical_json(point.model_dump(mode="json")))
    return _read_start(store, run_id) or point


def save_finish(store: ObjectStore, model: str, run_id: str, request_id: str | None) -> bool:
    """Note that a run finished, unless it asked in vain.

    Args:
        store: Holds the run's first note.
        model: Registered name.
        run_id: The run.
        request_id: The request that it asked.

    Returns:
        Whether the next run with the same starting point will be skipped.

    Raises:
        StoreError: If the store cannot be read or written.
    """
    point = _read_start(store, run_id)
    if point is None:
        return False
    refused = ""
    if request_id is not None:
        decision = load_decision(store, request_id)
        if decision is None or decision.state in ASKED_IN_VAIN:
            return False
        refused = "" if decision.is_approved else _refused(decision)
        own = accepted_feedback(store, model).get(request_id)
        if own is not None:
            # The run has used this one; what else came in meanwhile is new to the next run.
            point = point.model_copy(update={"feedback": {**point.feedback, request_id: own}})
    note = Finished(run=run_id, at=datetime.now(UTC), point=point, refused=refused)
    store.put(_finish_key(model), canonical_json(note.model_dump(mode="json")))
    return True


def _refused(decision: Decision) -> str:
    """Say how a review ended that did not approve: what skips for it must not do so silently."""
    remedy = "change the data, the code or a parameter"
    if decision.state in FOLLOWED:
        remedy = f"raise review.follow_ups, or {remedy}"
    told = " ".join(decision.reason.split())[:_LONGEST]
    return (
        f"its review {decision.request_id} ended {decision.state.value}"
        f"{f' ({told})' if told else ''}, and the same is not asked again: {remedy}"
    )


def _last_finished(store: ObjectStore, model: str) -> Finished | None:
    try:
        data = store.get(_finish_key(model), max_bytes=MAX_BYTES)
        return Finished.model_validate_json(data)
    except (ObjectNotFoundError, ValidationError):
        return None


def _read_start(store: ObjectStore, run_id: str) -> StartingPoint | None:
    try:
        data = store.get(_start_key(run_id), max_bytes=MAX_BYTES)
        return StartingPoint.model_validate_json(data)
    except (ObjectNotFoundError, ValidationError):
        return None


def _start_key(run_id: str) -> str:
    return f"runs/{run_id}/started.json"


def _finish_key(model: str) -> str:
    return f"finished/{model}.json"
