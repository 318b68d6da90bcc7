"""What a run asks once more: when, how often, of whom, and what a kill in between leaves."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from feedback.audit_check import verify
from feedback.channels.concept_graph import read_evidence
from feedback.closed import closed_reviews
from feedback.document import parse_document
from feedback.exchange import list_requests
from feedback.layout import WAITING
from feedback.policy import Policy, single_policy
from feedback.publishing import load_bundle, load_files
from feedback.recording import load_decisions, record_transition
from feedback.since import Scores
from feedback.states import ReviewState
from feedback.watching import watch_once
from flows import requests
from flows.context import SILENT, RunContext
from flows.gate import ask, ask_again
from flows.params import load_params
from tasks.asked import take_up
from tasks.exchange import submit_feedback
from tasks.origin import load_origin
from tasks.tracking_store import start_tracking
from tasks.workplace import open_workplace
from tests.flows.test_rounds import DATASET
from tests.review_request import CUT, FILES, make_answer, make_bundle, make_edit

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
PAIR = Policy.model_validate(
    {
        "name": "pair",
        "roles": {"reviewer": {"approvals": 2, "anyone": True, "signatures": ["none"]}},
    }
)
FLOW_RUN = "0" * 8 + "-0000-0000-0000-" + "0" * 12
OTHER = {**CUT, "src": 1, "dst": 2}


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


def test_a_call_for_changes_is_followed_up_with_what_was_said(workplace, tracker):
    asking, people = ask_people(workplace, tracker, CHANGES, YES)
    first, second = people.asked
    assert asking.request_id == second.request_id
    assert [one.request_id for one in asking.decisions] == [second.request_id]
    assert asking.decision.is_approved
    follows = second.follows
    assert (follows.number, follows.request_id) == (1, first.request_id)
    assert [(one.reviewer, one.comment) for one in follows.said] == [("r0", "cut the edge")]
    assert follows.proposed == (make_edit(CUT),)
    # The same evidence and pictures, a deadline of its own, and previews of it can be computed.
    assert read_evidence(second) == read_evidence(first)
    assert load_files(workplace.objects, second) == FILES
    assert second.deadline > first.deadline
    assert load_origin(workplace.objects, second.request_id).request_id == second.request_id
    # Both requests, their words and decisions stay, and the log tells of all of it.
    kept = closed_reviews(workplace.objects)
    comments = {one.bundle.request_id: one.closing.responses[0].document.comment for one in kept}
    assert comments == {first.request_id: "cut the edge", second.request_id: ""}
    assert verify(workplace.objects).is_intact


def test_what_two_approvers_edit_differently_is_put_before_them_once_more(workplace, tracker):
    mine = {"responses": [make_edit(CUT), make_edit(CUT, class_name="tank")]}
    theirs = {"responses": [make_edit(OTHER), make_edit(CUT, class_name="tank")]}
    asking, people = ask_people(
        workplace, tracker, [mine, theirs], [YES, YES], policies=(PAIR, single_policy())
    )
    follows = people.asked[1].follows
    assert (follows.state, follows.conflicts) == (ReviewState.PARTIAL, ("carrier",))
    assert [edit["class_name"] for edit in follows.proposed] == ["tank"]
    assert [edit["class_name"] for edit in asking.decision.edits] == ["carrier"]
    assert verify(workplace.objects).is_intact


@pytest.mark.parametrize("bound", [0, 1, 2])
def test_no_more_is_asked_than_may_be(workplace, tracker, bound):
    asking, people = ask_people(workplace, tracker, *[CHANGES] * (bound + 1), follow_ups=bound)
    assert people.left == []
    assert len(people.asked) == bound + 1
    assert asking.decision.state is ReviewState.CHANGES_REQUESTED
    numbers = [one.follows.number if one.follows else 0 for one in people.asked]
    assert numbers == list(range(bound + 1))
    # The same run again finds all of it decided, and asks nobody.
    again, _ = ask_people(workplace, tracker, follow_ups=bound)
    assert again == asking
    assert len(list_requests(workplace.objects)) == bound + 1
    # One that may ask more goes on from there.
    more, _ = ask_people(workplace, tracker, YES, follow_ups=bound + 1)
    assert more.decision.is_approved


def test_a_rejection_is_not_followed_up(workplace, tracker):
    asking, people = ask_people(workplace, tracker, {"verdict": "reject", "comment": "no"})
    assert asking.decision.state is ReviewState.REJECTED
    assert len(people.asked) == 1


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_run_that_dies_between_decision_and_answer_asks_nothing_twice(
    workplace, tracker, monkeypatch, dies
):
    whole = requests.publish_review

    def dying(work, bundle, files, **said):
        found = None
        if bundle.follows is None or dies == "after":
            found = whole(work, bundle, files, **said)
        if bundle.follows is not None:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(requests, "publish_review", dying)
    with pytest.raises(KeyboardInterrupt):
        ask_people(workplace, tracker, CHANGES)
    before = {one.request_id for one in list_requests(workplace.objects)}
    assert len(before) == (1 if dies == "before" else 2)
    monkeypatch.setattr(requests, "publish_review", whole)
    asking, people = ask_people(workplace, tracker, YES)
    assert asking.decision.is_approved
    found = {one.request_id for one in list_requests(workplace.objects)}
    assert found == before | {people.asked[-1].request_id}
    assert len(found) == 2


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


def test_a_deployed_run_lets_go_for_each_follow_up_and_keeps_to_what_it_asked(
    workplace, tracker, monkeypatch
):
    objects = workplace.objects

    def waiting():
        return [info.key.split("/")[1] for info in objects.list(WAITING)]

    def say(**said):
        (request_id,) = waiting()
        answer = make_answer(load_bundle(objects, request_id), **said)
        submit_feedback.fn(workplace, request_id, answer)
        watch_once(objects, single_policy(), datetime.now(UTC))
        return request_id

    assert let_go(workplace, tracker, monkeypatch) is None
    first = say(**CHANGES)
    assert let_go(workplace, tracker, monkeypatch) is None
    (second,) = waiting()
    assert second != first
    # Woken for nothing, it lets go again and asks nothing new.
    assert let_go(workplace, tracker, monkeypatch) is None
    assert waiting() == [second]
    assert take_up(open_workplace(workplace.settings), "run-1") == {1: (first, second)}
    say(**YES)
    asking = let_go(workplace, tracker, monkeypatch)
    assert (asking.request_id, asking.decision.is_approved) == (second, True)
    assert waiting() == []
    assert len(list_requests(objects)) == 2


def test_the_simulated_reviewer_answers_a_follow_up_too(workplace, tracker):
    ask_people(workplace, tracker, CHANGES, follow_ups=0)
    asking = ask(start(workplace, reviewer="simulated"), Asks(), {}, tracker)
    assert asking.decision.is_approved
    bundle = load_bundle(workplace.objects, asking.request_id)
    assert bundle.follows.number == 1


def test_a_file_answers_the_request_that_it_names_and_no_follow_up_of_it(
    workplace, tracker, tmp_path
):
    path = tmp_path / "answer.json"
    path.write_bytes(make_answer(make_bundle(), **CHANGES))
    # Its own request ends with it: nobody would answer what follows.
    with pytest.raises(Exception, match="expected"):
        ask(start(workplace, reviewer=f"file:{path}"), Asks(), {}, tracker)
    path.write_bytes(answer_to_first(workplace, tracker))
    asking = ask(start(workplace, reviewer=f"file:{path}"), Asks(), {}, tracker)
    assert asking.decision.state is ReviewState.CHANGES_REQUESTED
    assert len(list_requests(workplace.objects)) == 1


def answer_to_first(workplace, tracker):
    published = []
    run = replace(start(workplace), listener=replace(SILENT, on_published=published.append))
    ask(run, Asks(), {}, tracker, wait=False)
    return make_answer(published[0], **CHANGES)


def test_a_file_may_answer_a_follow_up_that_was_asked_before(
    workplace, tracker, tmp_path, monkeypatch
):
    assert let_go(workplace, tracker, monkeypatch) is None
    (first,) = list_requests(workplace.objects)
    bundle = load_bundle(workplace.objects, first.request_id)
    submit_feedback.fn(workplace, bundle.request_id, make_answer(bundle, **CHANGES))
    watch_once(workplace.objects, single_policy(), datetime.now(UTC))
    assert let_go(workplace, tracker, monkeypatch) is None
    (second,) = list_requests(workplace.objects, ReviewState.OPEN)
    path = tmp_path / "answer.json"
    path.write_bytes(make_answer(load_bundle(workplace.objects, second.request_id), **YES))
    asking = ask(start(workplace, reviewer=f"file:{path}"), Asks(), {}, tracker)
    assert (asking.request_id, asking.decision.is_approved) == (second.request_id, True)


def test_a_round_that_is_not_waited_for_is_not_followed_up(workplace, tracker):
    run = start(workplace)
    first = ask(run, Asks(), {}, tracker, wait=False)
    bundle = load_bundle(workplace.objects, first.request_id)
    submit_feedback.fn(workplace, first.request_id, make_answer(bundle, **CHANGES))
    later = ask(run.after(first.over({}, {})), Asks(), {}, tracker, wait=False)
    assert [one.state.value for one in later.decisions] == ["CHANGES_REQUESTED"]
    assert all(
        load_bundle(workplace.objects, one.request_id).follows is None
        for one in list_requests(workplace.objects)
    )


def test_the_last_round_takes_up_its_follow_up_beside_what_came_in_earlier(workplace, tracker):
    run = start(workplace)
    first = ask(run, Asks(), {}, tracker, wait=False)
    bundle = load_bundle(workplace.objects, first.request_id)
    submit_feedback.fn(workplace, first.request_id, make_answer(bundle))
    people = People(workplace, CHANGES, YES)
    listener = replace(SILENT, on_published=people.published, on_wait=people.wait)
    last = replace(run.after(first.over({}, {})), listener=listener)
    asking = ask(last, Asks(), {}, tracker)
    told = [one.request_id for one in asking.decisions]
    assert told == [first.request_id, people.asked[-1].request_id]
    assert load_bundle(workplace.objects, told[-1]).follows.number == 1
    assert last.after(asking.over({}, {})).open_requests() == ()


def test_nobody_is_asked_once_more_when_an_earlier_round_ends_the_run(workplace, tracker):
    first = ask(start(workplace), Asks(), {}, tracker, wait=False)
    refused = make_answer(
        load_bundle(workplace.objects, first.request_id), verdict="reject", comment="no"
    )

    def wait(seconds):
        submit_feedback.fn(workplace, first.request_id, refused)
        people.wait(seconds)

    people = People(workplace, CHANGES)
    listener = replace(SILENT, on_published=people.published, on_wait=wait)
    last = replace(start(workplace).after(first.over({}, {})), listener=listener)
    asking = ask(last, Asks(), {}, tracker)
    assert [one.state.value for one in asking.decisions] == ["REJECTED", "CHANGES_REQUESTED"]
    assert len(list_requests(workplace.objects)) == 2


def test_a_stale_approval_is_put_before_people_with_its_edits(workplace, tracker):
    asking, _ = ask_people(workplace, tracker, YES)
    assert ask_again(start(workplace), Asks(), {}, tracker, asking) is None
    record_transition(workplace.objects, asking.request_id, ReviewState.STALE, reason="too late")
    assert ask_again(start(workplace, follow_ups=0), Asks(), {}, tracker, asking) is None
    people = People(workplace, {"responses": [make_edit({**CUT, "reason": "still"})]})
    listener = replace(SILENT, on_published=people.published, on_wait=people.wait)
    again = ask_again(start(workplace, listener=listener), Asks(), {}, tracker, asking)
    (delta,) = people.asked
    assert (delta.follows.state, delta.follows.proposed) == (ReviewState.STALE, (make_edit(CUT),))
    assert again.edits_as(asking)
    # A run that died before it could ask, and starts anew, comes to the same request.
    once_more, _ = ask_people(workplace, tracker)
    assert once_more.request_id == delta.request_id
    states = [one.state.value for one in load_decisions(workplace.objects, asking.request_id)]
    assert states == ["APPROVED", "STALE"]
    assert json.loads(delta.to_json())["follows"]["reason"] == "too late"


def test_the_bound_is_a_parameter_with_limits(settings):
    assert load_params(None).review.follow_ups == 2
    for wrong in ("-1", "11", "many"):
        with pytest.raises(Exception, match="follow_ups"):
            load_params(None, (f"review.follow_ups={wrong}",))
