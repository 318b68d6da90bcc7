"""A deployed run that asks during training suspends in every round, and is killed between two."""

import json
import os
import signal

import pytest

from feedback.layout import WAITING
from feedback.states import ReviewState
from tasks.exchange import load_report
from tests.e2e.office import office
from tests.e2e.servers import children_of, wait_for
from tests.e2e.squares import ASKED, FIRST, answer, requests

__all__ = ["office"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1500)]


def is_between_rounds(home):
    """Tell whether training has gone on from the first round."""
    epochs = [int(path.name[6:12]) for path in home.glob("work/*/epoch-*.safetensors")]
    return max(epochs, default=0) >= FIRST + 3


def test_training_that_asks_twice_suspends_each_time_and_survives_a_kill_between(office):
    home = office.home
    with office.serving(**ASKED) as server:
        wait_for(office.deployment, 200, f"the deployment; {office.told()}")
        run = office.start()
        office.wait_for_state(run, "PAUSED")
        wait_for(lambda: not children_of(server.pid), 60, "the flow's process to end")
        (first,) = requests(home)
        answer(home)
        assert "is APPROVED" in office.run("watch", "--once")
        # In the middle of the training that rests on the answer, in the process that was woken.
        wait_for(lambda: is_between_rounds(home), 200, f"training; {office.told()}")
        children = children_of(server.pid)
        server.kill()
        for child in children:
            os.kill(child, signal.SIGKILL)
    assert office.state(run)["type"] == "RUNNING"
    assert requests(home, ReviewState.OPEN) == []
    assert f"started again: {run}" in office.run("recover")
    with office.serving(**ASKED):
        office.wait_for_state(run, "PAUSED")
        (second,) = requests(home, ReviewState.OPEN)
        answer(home)
        assert "is APPROVED" in office.run("watch", "--once")
        office.wait_for_state(run, "COMPLETED")
    report = json.loads(load_report(office.workplace, run))
    assert report["request"] == second.request_id
    # Both answers count, and each once.
    assert report["measured"]["marked_images"] == report["measured"]["clicks"] == 6
    images = [edit["change"].partition(":")[0] for edit in report["edits"]]
    assert len(images) == len(set(images)) == 6
    assert {one.request_id for one in requests(home)} == {first.request_id, second.request_id}
    assert not office.workplace.objects.list(WAITING)
