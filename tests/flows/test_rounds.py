"""Several rounds of asking in one run: what is waited for, and what is taken up when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from feedback.policy import Policy, single_policy
from feedback.publishing import load_bundle
from feedback.since import Scores
from flows.context import SILENT, RunContext
from flows.gate import Asking, ask
from flows.params import load_params
from flows.requests import publish_round
from tasks.dataset.reference import DatasetRef
from tasks.exchange import submit_feedback
from tasks.tracking_store import start_tracking
from tests.review_request import FILES, make_answer, make_bundle

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
DATASET = DatasetRef(
    path="data",
    md5="0" * 32 + ".dir",
    classes=("a", "b"),
    n_train=2,
    n_test=2,
    n_pool=0,
    has_masks=False,
)


@pytest.fixture
def tracker(settings):
    return start_tracking(settings, "run-1", {})


@pytest.fixture
def start(workplace):
    params = load_params(None, ("review.reviewer=inbox", "review.poll_seconds=0.02"))
    return RunContext("run-1", params, DATASET, workplace, SILENT)


class Asks:
    """A channel that shows another request in every round."""

    def bundle(self, run, explained):
        return make_bundle(round=run.round), FILES

    def measure(self, run, explained):
        return Scores({}, {})


def answer(workplace, request_id, **changes):
    bundle = load_bundle(workplace.objects, request_id)
    submit_feedback(workplace, request_id, make_answer(bundle, **changes))


def told(asking):
    return [decision.request_id for decision in asking.decisions]


def in_next_round(run, asking):
    return run.after(asking.over({}, {}))


def test_a_run_that_names_no_deadline_asks_for_as_long_as_its_policy_says(start, tracker):
    town = Policy.model_validate({"name": "town", "roles": {"ml": {}}, "deadline_hours": 72})
    run = replace(start, policies=(town, single_policy()))
    objects, before = run.workplace.objects, datetime.now(UTC)
    asked = load_bundle(objects, ask(run, Asks(), {}, tracker, wait=False).request_id)
    allowed = asked.deadline - before
    assert timedelta(hours=72) <= allowed < timedelta(hours=73)


def test_a_round_that_does_not_wait_takes_up_what_was_decided_by_then(start, tracker, workplace):
    run, asked = start, []
    first = ask(run, Asks(), {}, tracker, wait=False)
    asked.append(first.request_id)
    assert told(first) == []
    run = in_next_round(run, first)
    answer(workplace, asked[0])
    second = ask(run, Asks(), {}, tracker, wait=False)
    assert second.request_id != first.request_id
    assert told(second) == asked
    run = in_next_round(run, second)
    # Taken up once; the second is still open.
    assert run.open_requests() == (second.request_id,)
    third = ask(run, Asks(), {}, tracker, wait=False)
    assert told(third) == []


def test_the_last_round_waits_for_its_own_decision_alone(start, tracker, workplace):
    first = ask(start, Asks(), {}, tracker, wait=False)
    run = in_next_round(start, first)
    waited = []

    def on_wait(seconds):
        if not waited:
            waited.append(workplace.objects.list("reviews/"))
            answer(workplace, make_bundle(round=2).request_id)

    listening = replace(run, listener=replace(SILENT, on_wait=on_wait))
    last = ask(listening, Asks(), {}, tracker, wait=True)
    assert waited
    assert told(last) == [last.request_id]


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_answers_to_earlier_rounds_count_that_come_while_the_last_one_waits(
    start, tracker, workplace, verdict
):
    first = ask(start, Asks(), {}, tracker, wait=False)
    run = in_next_round(start, first)
    waited = []

    def on_wait(seconds):
        if not waited:
            waited.append(seconds)
            answer(workplace, first.request_id, verdict=verdict)
            answer(workplace, make_bundle(round=2).request_id)

    listening = replace(run, listener=replace(SILENT, on_wait=on_wait))
    last = ask(listening, Asks(), {}, tracker, wait=True)
    assert told(last) == [first.request_id, last.request_id]
    assert last.decisions[0].is_approved == (verdict == "approve")
    # The same run in another process finds the same.
    assert ask(run, Asks(), {}, tracker, wait=True) == last


def test_a_refusal_of_an_earlier_round_is_not_kept_waiting_for_the_last(start, tracker, workplace):
    first = ask(start, Asks(), {}, tracker, wait=False)
    answer(workplace, first.request_id, verdict="reject")
    last = ask(in_next_round(start, first), Asks(), {}, tracker, wait=True)
    assert told(last) == [first.request_id]


def test_a_run_that_goes_on_takes_up_in_a_round_what_it_took_up_there(start, tracker, workplace):
    first = ask(start, Asks(), {}, tracker, wait=False)
    answer(workplace, first.request_id)
    # The same run in another process: the answer came after this round had looked.
    again = ask(start, Asks(), {}, tracker, wait=False)
    assert again == first
    run = in_next_round(start, again)
    assert told(ask(run, Asks(), {}, tracker, wait=False)) == [first.request_id]


def test_the_same_command_asks_what_the_killed_run_asked_and_takes_up_every_answer(
    start, tracker, workplace
):
    first = ask(start, Asks(), {}, tracker, wait=False)
    # Killed; people answer both that it asked, and it is started again, as another run.
    answer(workplace, first.request_id)
    again = replace(start, run_id="run-2")
    asking = ask(again, Asks(), {}, tracker, wait=False)
    assert asking == first
    run = in_next_round(again, asking)
    answer(workplace, publish_round(run, Asks(), {}, tracker).request_id)
    last = ask(run, Asks(), {}, tracker, wait=True)
    assert told(last) == [first.request_id, last.request_id]


def test_a_refusal_ends_the_same_command_where_the_killed_run_saw_none(start, tracker, workplace):
    first = ask(start, Asks(), {}, tracker, wait=False)
    assert told(first) == []
    answer(workplace, first.request_id, verdict="reject")
    again = ask(replace(start, run_id="run-2"), Asks(), {}, tracker, wait=False)
    assert told(again) == [first.request_id]
    assert not again.decisions[0].is_approved


def test_a_run_that_went_on_is_not_ended_by_what_was_refused_since(start, tracker, workplace):
    first = ask(start, Asks(), {}, tracker, wait=False)
    run = in_next_round(start, first)
    second = publish_round(run, Asks(), {}, tracker).request_id
    answer(workplace, first.request_id, verdict="reject")
    # The same run in another process, which knows that it had asked in the second round.
    again = replace(start, asked={1: (first.request_id,), 2: (second,)})
    assert ask(again, Asks(), {}, tracker, wait=False) == first
    # It is told there, as it would have been had it stayed.
    last = ask(in_next_round(again, first), Asks(), {}, tracker, wait=True)
    assert told(last) == [first.request_id]


def test_what_another_run_took_up_is_no_answer_to_what_this_one_did_not_ask(
    start, tracker, workplace
):
    first = ask(start, Asks(), {}, tracker, wait=False)
    answer(workplace, first.request_id)
    second = ask(in_next_round(start, first), Asks(), {}, tracker, wait=False)
    assert told(second) == [first.request_id]
    # It comes to the same request, and has nothing open.
    before = Asking(first.request_id, second.decisions)
    other = in_next_round(replace(start, run_id="run-2"), before)
    assert told(ask(other, Asks(), {}, tracker, wait=False)) == []
