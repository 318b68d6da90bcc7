"""A run that asks during training is killed while it waits, and while it trains on the answers.

The same command goes on each time, and ends with the bits of a run that nobody disturbed: no answer
is lost, none counts twice.
"""

import json

import pytest

from feedback.channels.saliency_grid import MarkedCell, answer_on, read_evidence
from feedback.exchange import list_requests
from feedback.publishing import load_bundle
from feedback.states import ReviewState
from feedback.store import open_store
from tasks.handing_in import hand_in
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.e2e.conftest import PATIENCE
from tests.review_request import make_answer

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]
# Ten epochs from the first round to the second, so that one of them is met.
FIRST, BETWEEN = 1, 10
ASKED = {
    "channel": "saliency_grid",
    "training__epochs": "12",
    "promotion__min_images": "4",
    "review__reviewer": "inbox",
    "saliency_grid__grid__cells": "8",
    "saliency_grid__sampling__first_epoch": str(FIRST),
    "saliency_grid__sampling__every": str(BETWEEN),
    "saliency_grid__sampling__rounds": "2",
    "saliency_grid__sampling__n_images": "3",
    "saliency_grid__seeds": "1",
}


def requests(home, state=None):
    return list_requests(open_store(f"file://{home / 'store'}"), state)


def answer(home):
    """Mark the best square of each image of the open request, as a person at another desk does."""
    workplace = open_workplace(Settings(home=home))
    (request,) = requests(home, ReviewState.OPEN)
    bundle = load_bundle(workplace.objects, request.request_id)
    evidence = read_evidence(bundle)
    marks = [
        answer_on(evidence, one, [MarkedCell(r=one.shown[0].r, c=one.shown[0].c)]).model_dump(
            mode="json"
        )
        for one in evidence.images
    ]
    hand_in(workplace.objects, request.request_id, make_answer(bundle, responses=marks))


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
