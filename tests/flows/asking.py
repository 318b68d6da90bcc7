"""A channel that asks, people who answer it, and the runs between them."""

import shutil
from dataclasses import replace

import pytest

from feedback.document import parse_document
from feedback.since import Scores
from flows.context import SILENT, RunContext
from flows.gate import ask
from flows.params import load_params
from tasks.asked import take_up
from tasks.exchange import submit_feedback
from tasks.tracking_store import start_tracking
from tasks.workplace import open_workplace
from tests.flows.test_rounds import DATASET
from tests.review_request import CUT, FILES, make_answer, make_bundle, make_edit

FLOW_RUN = "0" * 8 + "-0000-0000-0000-" + "0" * 12


@pytest.fixture
def tracker(settings, workplace, empty_tracking):
    shutil.copy(empty_tracking, settings.home / "mlflow.db")
    return start_tracking(settings, "run-1", {})


class Asks:
    """A channel that shows the same request whenever it is asked."""

    def bundle(self, run, explained):
        return make_bundle(round=run.round), FILES

    def measure(self, run, explained):
        return Scores({}, {})

    def respond(self, run, explained, published):
        return parse_document(make_answer(published, reviewer="simulated"))


class People:
    """Answers to the requests of a run, in the order in which they are put before people."""

    def __init__(self, workplace, *answers):
        self.workplace, self.left, self.asked = workplace, list(answers), []

    def published(self, request):
        if request.request_id not in [one.request_id for one in self.asked]:
            self.asked.append(request)

    def wait(self, seconds):
        # Each answer once: what is not answered any more would be waited for in vain.
        assert self.left, "the run asks more than it may"
        request, said = self.asked[-1], self.left.pop(0)
        for number, changes in enumerate(said if isinstance(said, list) else [said]):
            reviewer = {"reviewer": f"r{number}", "nonce": f"nonce-000{number}"}
            answer = make_answer(request, **{**reviewer, **changes})
            submit_feedback.fn(self.workplace, request.request_id, answer)


CHANGES = {"verdict": "request_changes", "comment": "cut the edge", "responses": [make_edit(CUT)]}
YES = {"responses": [make_edit(CUT)]}


def start(workplace, *, follow_ups=2, reviewer="inbox", **changes):
    params = load_params(
        None,
        (f"review.reviewer={reviewer}", "review.poll_seconds=0.02",
         f"review.follow_ups={follow_ups}"),
    )  # fmt: skip
    return replace(RunContext("run-1", params, DATASET, workplace, SILENT), **changes)


def ask_people(workplace, tracker, *answers, **changes):
    people = People(workplace, *answers)
    run = start(workplace, **changes)
    listener = replace(SILENT, on_published=people.published, on_wait=people.wait)
    return ask(replace(run, listener=listener), Asks(), {}, tracker), people


class Gone(BaseException):
    """The process ended, as it does when a deployed run suspends."""


def let_go(workplace, tracker, monkeypatch, **changes):
    """Go on with a deployed run in a process of its own, until it suspends or has its decision."""

    def suspend(key):
        raise Gone(key)

    monkeypatch.setattr("prefect.flow_runs.suspend_flow_run", suspend)
    here = open_workplace(workplace.settings)
    asked = take_up(here, "run-1")
    run = start(here, flow_run=FLOW_RUN, asked=asked, **changes)
    try:
        return ask(run, Asks(), {}, tracker)
    except Gone:
        return None
