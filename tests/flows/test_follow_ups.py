"""What a run asks once more: when, how often, of whom, and what a kill in between leaves."""

import json
from dataclasses import replace

import pytest

from feedback.audit_check import verify
from feedback.channels.concept_graph import read_evidence
from feedback.closed import closed_reviews
from feedback.exchange import list_requests
from feedback.policy import Policy, single_policy
from feedback.publishing import load_files
from feedback.recording import load_decisions, record_transition
from feedback.states import ReviewState
from flows import requests
from flows.context import SILENT
from flows.gate import ask_again
from flows.params import load_params
from tasks.origin import load_origin
from tests.flows.asking import CHANGES, YES, Asks, People, ask_people, start, tracker
from tests.review_request import CUT, FILES, make_edit

__all__ = ["tracker"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
PAIR = Policy.model_validate(
    {
        "name": "pair",
        "roles": {"reviewer": {"approvals": 2, "anyone": True, "signatures": ["none"]}},
    }
)
OTHER = {**CUT, "src": 1, "dst": 2}


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
