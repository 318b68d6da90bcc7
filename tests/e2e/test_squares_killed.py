"""A run that asks during training is killed while it waits, and while it trains on the answers.

The same command goes on each time, and ends with the bits of a run that nobody disturbed: no answer
is lost, none counts twice.
"""

import json

import pytest

from feedback.states import ReviewState
from tests.e2e.conftest import PATIENCE
from tests.e2e.squares import ASKED, FIRST, answer, requests

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]


def is_open(home, number):
    """Tell whether the request of a round is published and waits."""
    found = requests(home)
    return len(found) == number and found[0].state is ReviewState.OPEN


def finish(command, rounds):
    """Run to the end, answering these rounds as soon as they are asked, and return the report."""
    process = command.start()
    for number in rounds:
        command.wait_until(lambda number=number: is_open(command.home, number), process)
        answer(command.home)
    output, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output + error
    return json.loads(command.report.read_text())


def parts(home):
    """Count the parts of trainings that are finished."""
    return len(list(home.glob("store/stages/train_guided/*.json")))


def outputs(home):
    """Digests of networks and banks by the key of the stage that made them."""
    found = {}
    for stage in ("carry_over_marks", "train_guided", "bank_feedback", "explain_images"):
        for path in home.glob(f"store/stages/{stage}/*.json"):
            record = json.loads(path.read_text())
            names = record["outputs"].items()
            found[stage, record["key"]] = {name: ref["sha256"] for name, ref in names}
    return found


def test_a_run_killed_while_waiting_and_between_rounds_ends_with_the_same_bits(
    command,
):
    whole = command("whole", **ASKED)
    expected = finish(whole, rounds=(1, 2))

    broken = command("broken", **ASKED)
    broken.kill_when(lambda: is_open(broken.home, 1))
    # The answer comes while no process is there.
    answer(broken.home)
    assert parts(broken.home) == 1
    broken.kill_when(
        lambda: (
            max(broken.checkpoints(), default=0) >= FIRST + 3
            and broken.record("bank_feedback") is not None
        )
    )
    # In the middle of the training that rests on the answer.
    assert parts(broken.home) == 1
    assert len(requests(broken.home)) == 1
    found = finish(broken, rounds=(2,))

    assert [one.request_id for one in requests(broken.home)] == [
        one.request_id for one in requests(whole.home)
    ]
    for part in ("arms", "paired", "edits", "measured", "decision", "request", "edited_classes"):
        assert found[part] == expected[part]
    assert found["measured"]["marked_images"] == found["measured"]["clicks"] == 6
    assert found["measured"]["carried_images"] == 0
    # Content-addressed: equal digests are equal bits, and nothing was made but what was needed.
    assert outputs(broken.home) == outputs(whole.home)
    assert found["model"]["version"] == expected["model"]["version"] == "2"
    assert not list(broken.home.glob("work/*/epoch-*"))


def test_what_people_answer_when_a_run_that_did_not_wait_is_dead_is_taken_up(command):
    # An epoch more than where people are waited for: lambda is found in it.
    longer = {"training__epochs": "13", "saliency_grid__sampling__waiting": "async"}
    run = command("async", **(ASKED | longer))
    run.kill_when(
        # The first request is open, and training goes on without an answer.
        lambda: is_open(run.home, 1) and max(run.checkpoints(), default=0) >= FIRST + 3
    )
    assert run.record("bank_feedback")["facts"]["clicks"] == 0
    # The last round waits, and both are open.
    run.kill_when(lambda: len(requests(run.home, ReviewState.OPEN)) == 2)
    asked = [one.request_id for one in requests(run.home)]
    for request in asked:
        answer(run.home, request)
    found = finish(run, rounds=())

    assert [one.request_id for one in requests(run.home)] == asked
    assert {one.state for one in requests(run.home)} == {ReviewState.APPROVED}
    assert found["measured"]["marked_images"] == found["measured"]["clicks"] == 6
    images = [edit["change"].partition(":")[0] for edit in found["edits"]]
    assert len(images) == len(set(images)) == 6
