"""Which runs wait for a decision without a process, so that whoever decides can wake them.

A note is only an address. It decides nothing: a run that is woken looks at the decision itself.
"""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.layout import WAITING, request_of, waiting_key
from feedback.objects import ObjectStore

logger = logging.getLogger(__name__)

_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class ParkedRun:
    """A run that waits for a decision.

    Attributes:
        request_id: The request.
        flow_run: The run's id in the orchestrator, a UUID.
    """

    request_id: str
    flow_run: str


def park(store: ObjectStore, run: ParkedRun) -> None:
    """Note that a run waits, before its process ends.

    Args:
        store: Where the request lies.
        run: The run.

    Raises:
        ValueError: If its id is not a UUID.
        StoreError: If the store cannot be written; the run must not let go then.
    """
    if not _RUN.fullmatch(run.flow_run):
        raise ValueError(f"expected a flow run's UUID (got {run.flow_run[:80]!r})")
    store.put(waiting_key(run.request_id, run.flow_run), json.dumps({"schema_version": 1}).encode())


def unpark(store: ObjectStore, run: ParkedRun) -> None:
    """Take the note away; no error when there is none.

    Raises:
        StoreError: If the store cannot be written.
    """
    store.delete(waiting_key(run.request_id, run.flow_run))


def list_parked(store: ObjectStore) -> Sequence[ParkedRun]:
    """Return all runs that wait, by request.

    Raises:
        StoreError: If the store cannot be read.
    """
    found = []
    for info in store.list(WAITING):
        name = info.key.rsplit("/", 1)[-1].removesuffix(".json")
        run = ParkedRun(request_of(info.key), name)
        if _RUN.fullmatch(name) and info.key == waiting_key(run.request_id, name):
            found.append(run)
        else:
            logger.warning("%r names no run that could be woken", info.key[:200])
    return found
