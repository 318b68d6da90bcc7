"""kill -9 of real servers and real runs at random moments, a few times in ``make e2e``.

``python -m benchmarks.kills --kills 200`` is the whole of it; ``PARLEY_KILLS_SEED`` draws others.
"""

import os

import pytest

from benchmarks.kills import soak
from tests.e2e.gateway import need_gateway

pytestmark = [
    pytest.mark.e2e, pytest.mark.slow, pytest.mark.topology, pytest.mark.timeout(2400)
]  # fmt: skip
KILLS, SEED = 12, int(os.environ.get("PARLEY_KILLS_SEED", "1"))


def test_killing_anything_loses_and_doubles_nothing_and_every_run_ends(tmp_path, capsys) -> None:
    need_gateway()
    told = soak(tmp_path / "soak", kills=KILLS, seed=SEED, pause=4.0, patience=900, most_runs=1)
    with capsys.disabled():
        print(f"\n{told['kills by kind']}: {told}")
    assert told["kills"] == KILLS
    assert [broken for broken in told["breaches"].values() if broken] == []
    assert told["runs"] == {"Completed": 1}
    assert told["answers told to be handed in"] > 0
    assert sum(told["decisions"].values()) == told["requests"] > 0
