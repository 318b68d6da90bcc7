"""kill -9 of everything at random moments, over runs that ask and people who answer.

    python -m benchmarks.kills --kills 200 --seed 1 [--channel saliency_grid]

Brings up what ``infra/`` describes as processes of this machine, keeps runs going and answers what
they ask, and kills flow, worker, watchers, page, Prefect server and object storage. Afterwards all
that is left must come to its end, and every promise is checked in the store and the audit log.
Needs PostgreSQL and Ceph's gateway (Debian: ``postgresql radosgw ceph-mon ceph-osd ceph-common``).
"""

import argparse
import logging
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import write_result
from feedback.moves import list_moves
from tests.e2e.prefect_api import RunState
from tests.e2e.promises import differing, judge
from tests.e2e.soak import ENDS, POLICY, REVIEWERS_WANTED, RUNS, Soak
from tests.e2e.squares import lost_marks
from tests.e2e.topology import topology
from tests.shapes import write_shapes

logger = logging.getLogger("benchmarks.kills")


def soak(
    folder: Path,
    *,
    kills: int,
    seed: int,
    pause: float,
    patience: float,
    most_runs: int | None = None,
    channel: str = "concept_graph",
) -> dict[str, Any]:
    """Kill, let everything settle, and return what came of it.

    Args:
        folder: Empty; afterwards it holds every log and home.
        kills: How often to kill.
        seed: Of what is killed and when, and of the runs' networks.
        pause: Mean time between two kills, seconds.
        patience: Longest time that runs are left to come to their end, seconds.
        most_runs: Runs to start; None starts the next one whenever there is room.
        channel: How the runs ask.

    Returns:
        Kills by kind, ends of runs, what people did, and breaches by promise.
    """
    dice = random.Random(seed)
    shapes = write_shapes(folder / "shapes")
    with topology(folder / "town", shapes, POLICY) as town:
        started = time.monotonic()
        made = Soak(town, seed, most_runs, channel)
        try:
            for number in range(kills):
                time.sleep(dice.uniform(0.2, 2 * pause - 0.2))
                kind = made.kill()
                logger.info("kill %d of %d: %s", number + 1, kills, kind)
            killing = time.monotonic() - started
            runs = made.settle(patience)
            ends = dict(Counter(state.name for state in runs.values()))
            logger.info("runs: %s", ends)
            store = town.store()
            made.await_judged(store)
            taken = [answer for person in made.people for answer in person.taken]
            found = judge(store, taken, REVIEWERS_WANTED)
            found["breaches"]["runs that did not end"] = [
                f"{run} is {state.name}" for run, state in runs.items() if state.type not in ENDS
            ]
            found["breaches"]["registry differs"] = differing(
                list_moves(store, "parley"), town.aliases()
            )
            if channel == "saliency_grid":
                found["breaches"]["marks lost"] = lost_marks(store)
            # One that died too often without going forward is given up, and says so.
            found["breaches"]["runs that failed"] = [
                run for run, state in runs.items() if state == RunState("FAILED", "Failed")
            ]
        finally:
            made.end()
        return {
            "table": _table(made.kills, ends, found),
            "kills": made.kills.total(),
            "kills by kind": dict(made.kills),
            "runs": ends,
            "answers told to be handed in": len(taken),
            **found,
            "seconds killing": round(killing),
            "seconds until all had ended": round(time.monotonic() - started - killing),
        }


def _table(
    kills: Counter[str], runs: Mapping[str, int], found: Mapping[str, Any]
) -> dict[str, object]:
    """Return what the README says of it: what was killed, what happened meanwhile, what broke."""
    told = ", ".join(f"{kind} {number}" for kind, number in sorted(kills.items()))
    ends = ", ".join(f"{_words(end)} {n}" for end, n in sorted(runs.items()))
    closed = ", ".join(f"{state.lower()} {n}" for state, n in sorted(found["decisions"].items()))
    broken = [[name, str(len(cases))] for name, cases in found["breaches"].items()]
    return {
        "header": ["kill -9 at random moments", ""],
        "rows": [
            [f"processes killed ({told})", str(kills.total())],
            [f"runs ({ends})", str(sum(runs.values()))],
            [f"requests decided ({closed})", str(sum(found["decisions"].values()))],
            ["responses handed in", str(found["responses"])],
            ["promotions", str(found["promotions"])],
            *broken,
        ],
    }


def _words(state: str) -> str:
    """Return the name of a state, such as ``GivenUp``, as words."""
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", state).lower()


def main() -> None:
    """Soak and write the result; ends with 1 when a promise was broken."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=7.0, help="mean seconds between two kills")
    parser.add_argument("--patience", type=float, default=1800.0, help="seconds for runs to end")
    parser.add_argument("--channel", choices=sorted(RUNS), default="concept_graph")
    parser.add_argument("--folder", type=Path, help="keeps every log; default is thrown away")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        result = soak(
            asked.folder or Path(temporary), kills=asked.kills, seed=asked.seed,
            pause=asked.pause, patience=asked.patience, channel=asked.channel,
        )  # fmt: skip
    settings = {name: value for name, value in vars(asked).items() if name != "folder"}
    name = "kills" if asked.channel == "concept_graph" else f"kills_{asked.channel}"
    write_result(name, {**result, "settings": settings})
    broken = {name: found for name, found in result["breaches"].items() if found}
    logger.info("%s", broken or result)
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
