"""The whole topology under people who answer and a hand that kills: what a soak is made of.

Every process comes back seconds after its end, as systemd or Kubernetes would bring it back. A run
that died is found by the reaper's own deployment. Beside the requests of runs there are some that
nobody computed, so that answers arrive all the time.
"""

import contextlib
import logging
import os
import random
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime

import httpx

from feedback.audit import AuditLog
from feedback.bundle import ReviewBundle
from feedback.errors import StoreError
from feedback.exchange import ReviewState, list_requests
from feedback.fields import JsonObject
from feedback.inbox import pending
from feedback.layout import DECISIONS, INBOX, REJECTIONS, request_of
from feedback.objects import ObjectStore
from feedback.publishing import publish
from feedback.signing import generate_key
from flows.commands.enrolling import new_record, stand
from tests.e2e.dying import bundle_of
from tests.e2e.people import Person, Uploader, Visitor
from tests.e2e.prefect_api import RunState
from tests.e2e.servers import all_below, children_of, wait_for
from tests.e2e.squares import ASKED, marks_on
from tests.e2e.topology import HEADER, PROMOTED, Topology
from tests.review_request import FILES
from tests.shapes import tiny_overrides

logger = logging.getLogger(__name__)

REVIEWERS_WANTED = 2
POLICY = {
    "name": "pair",
    "roles": {
        "reviewer": {"approvals": REVIEWERS_WANTED, "veto": True, "signatures": ["own", "page"]}
    },
}
KINDS = {"flow": 3, "worker": 1, "host": 1, "watcher": 6, "page": 6, "prefect": 2, "s3": 6}
"""What is killed, and how often in comparison; ``host`` is a worker with all that runs below it."""
SUPERVISED = ("worker", "watcher", "watcher-2", "page", "prefect")
ENDS = {"COMPLETED", "FAILED", "CANCELLED"}
"""States in which a run stays; one that crashed is started again, or failed in the end."""
RESTART_SECONDS, REAPER_SECONDS, ASK_SECONDS = 2.0, 20.0, 12.0
MOST_AT_ONCE = 2
"""Runs that have not ended; the deployment lets one compute, while others wait for people."""


RUNS = {"concept_graph": PROMOTED, "saliency_grid": ASKED}
"""Settings of the runs of each channel."""


class Soak:
    """Runs that follow each other, people who answer them, and the kills so far.

    Attributes:
        town: The servers.
        kills: How often each kind was killed.
        people: Who answers.
    """

    def __init__(
        self,
        town: Topology,
        seed: int,
        most_runs: int | None = None,
        channel: str = "concept_graph",
    ) -> None:
        self.town, self.kills = town, Counter[str]()
        self._dice = random.Random(seed)
        self._over, self._is_starting = threading.Event(), True
        self._seed, self._most_runs = seed, most_runs
        self._died: dict[str, float] = {}
        self._overrides = (
            *tiny_overrides(**RUNS[channel]),
            f"review.policy={town.folder / 'policy.yaml'}",
        )
        # Its own schedule asks for files that are not here; two watchers and no previews are.
        for name in ("retrain", "watch", "preview"):
            town.prefect.change(name, paused=True)
        schedule = {"schedule": {"interval": REAPER_SECONDS}, "active": True}
        town.prefect.change("recover", schedules=[schedule])
        town.add("watcher-2", like="watcher")
        for name in SUPERVISED:
            if name != "prefect":
                town.start(name)
        town.await_server("page")
        self.people = self._enrolled()
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (self._tend, self._start_runs, self._ask)
        ]
        for thread in (*self._threads, *self.people):
            thread.start()

    def _enrolled(self) -> tuple[Person, ...]:
        operator, now, key = self.town.store(), datetime.now(UTC), generate_key()
        for name, keys in (("ada", [key.public_key]), ("bob", []), ("cyd", [])):
            record = new_record(name, ["reviewer"], keys, is_page=False, by="root", now=now)
            stand(operator, record, now)
        ada = Uploader(
            "ada", self.town.store(), self.town.store("reviewer-ada"), key, edits_of=_edits_of
        )
        visitors = [
            Visitor(name, self.town.store(), self.town.page_url, HEADER) for name in ("bob", "cyd")
        ]
        return (ada, *visitors)

    def kill(self) -> str:
        """Kill something, whatever it is doing, and return what it was."""
        kinds, weights = zip(*KINDS.items(), strict=True)
        kind = self._dice.choices(kinds, weights)[0]
        while not self._killed(kind):
            # It is down already; something else is up, or will be in a moment.
            time.sleep(0.1)
            kind = self._dice.choices(kinds, weights)[0]
        self.kills[kind] += 1
        return kind

    def _killed(self, kind: str) -> bool:
        match kind:
            case "s3":
                with contextlib.suppress(AssertionError):
                    self.town.s3.kill()
                    return True
                return False
            case "flow":
                worker = self.town.pid("worker")
                pids = children_of(worker) if worker is not None else []
                pids = pids and [self._dice.choice(pids)]
            case "host":
                worker = self.town.pid("worker")
                pids = [worker, *all_below(worker)] if worker is not None else []
            case "watcher":
                pids = [self.town.pid(self._dice.choice(("watcher", "watcher-2")))]
            case _:
                pids = [self.town.pid(kind)]
        hit = False
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, TypeError):
                os.kill(pid, signal.SIGKILL)
                hit = True
        return hit

    def _tend(self) -> None:
        while not self._over.wait(0.2):
            for name in SUPERVISED:
                if self.town.pid(name) is not None:
                    self._died.pop(name, None)
                elif time.monotonic() - self._died.setdefault(name, time.monotonic()) > (
                    RESTART_SECONDS
                ):
                    self.town.start(name)

    def _start_runs(self) -> None:
        while not self._over.wait(2.0):
            if not self._is_starting:
                continue
            with contextlib.suppress(httpx.HTTPError):
                states = self.states()
                is_enough = self._most_runs is not None and len(states) >= self._most_runs
                n_open = sum(state.type not in ENDS for state in states.values())
                if not is_enough and n_open < MOST_AT_ONCE:
                    self._start_run()

    def _start_run(self) -> None:
        self._seed += 1  # another network, hence another question
        self.town.prefect.start(
            "retrain",
            params_file=str(self.town.folder / "params.yaml"),
            overrides=[*self._overrides, f"seed={self._seed}"],
            force=True,
        )

    def _ask(self) -> None:
        store, number = self.town.store("parley-runs"), 0
        while not self._over.wait(ASK_SECONDS):
            if self._is_starting:
                # What could not be published is published whole at the next attempt.
                with contextlib.suppress(StoreError):
                    publish(store, bundle_of(number), FILES)
                    number += 1

    def states(self) -> dict[str, RunState]:
        """Return the state of every run that was ever started, by its id.

        Raises:
            httpx.HTTPError: If the server is down.
        """
        return self.town.prefect.states("retrain")

    def settle(self, seconds: float) -> dict[str, RunState]:
        """Start nothing more, wait until every run has ended, and return the states then.

        Runs that have not ended after so many seconds are told by their state, for nobody knows
        whether they would.
        """
        self._is_starting = False
        left: dict[str, RunState] = {}

        def ended() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                left.clear()
                left.update(self.states())
                return bool(left) and {state.type for state in left.values()} <= ENDS
            return False

        with contextlib.suppress(AssertionError):
            wait_for(ended, seconds, "every run to end")
        return left

    def await_judged(self, store: ObjectStore, seconds: float = 300) -> None:
        """Wait until everything was answered, judged, decided and entered; then people leave."""

        def judged() -> bool:
            if list_requests(store, ReviewState.OPEN):
                return False
            requests = {request_of(info.key) for info in store.list(INBOX)}
            due = {i.key for prefix in (DECISIONS, REJECTIONS) for i in store.list(prefix)}
            log = AuditLog(store)
            log.refresh()
            return due <= log.subjects() and not any(pending(store, one) for one in requests)

        wait_for(judged, seconds, "the watchers to judge everything")
        for person in self.people:
            person.leave()
        wait_for(judged, seconds, "the watchers to judge what came last")

    def end(self) -> None:
        """Let everything go down with the topology."""
        self._over.set()
        for thread in self._threads:
            thread.join(60)


def _edits_of(bundle: ReviewBundle) -> list[JsonObject]:
    """Return what the one person who edits at all changes."""
    return marks_on(bundle) if bundle.channel == "saliency_grid" else []
