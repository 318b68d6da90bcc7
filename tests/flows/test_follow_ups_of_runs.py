"""Follow-ups in every kind of run: deployed, answered by a file or a program, and in rounds."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from feedback.exchange import list_requests
from feedback.layout import WAITING
from feedback.policy import single_policy
from feedback.publishing import load_bundle
from feedback.states import ReviewState
from feedback.watching import watch_once
from flows.context import SILENT
from flows.gate import ask
from tasks.asked import take_up
from tasks.exchange import submit_feedback
from tasks.workplace import open_workplace
from tests.flows.asking import CHANGES, YES, Asks, People, ask_people, let_go, start, tracker
from tests.review_request import make_answer, make_bundle

__all__ = ["tracker"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


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
