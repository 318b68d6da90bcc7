"""What people are told of an open request, and that nobody is told twice."""

from datetime import timedelta

import pytest

from feedback.gate import Outcome
from feedback.notices import due_notices, record_notices
from feedback.states import ReviewState
from tests.feedback.answers import PAIR, asked
from tests.feedback.memory import MemoryStore
from tests.review_request import NOW

WAITING = Outcome(ReviewState.OPEN, "waiting for 1 x ml", missing=(("ml", 1),))
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize("is_follow_up", [False, True])
def test_a_follow_up_says_that_it_is_one(is_follow_up):
    (notice,) = due_notices(asked(is_follow_up=is_follow_up), WAITING, LATER, PAIR)
    assert (notice.kind, notice.to) == ("opened", ("ml",))
    assert notice.text.endswith("waiting for 1 x ml")
    assert ("follow-up" in notice.text) is is_follow_up


def test_a_closed_request_has_nothing_to_tell():
    closed = Outcome(ReviewState.REJECTED, "no")
    assert due_notices(asked(), closed, LATER, PAIR) == ()


def test_a_long_reason_fits():
    said = Outcome(ReviewState.OPEN, "waiting " * 200)
    (notice,) = due_notices(asked(is_follow_up=True), said, LATER, PAIR)
    assert len(notice.text) == 1000


def test_of_what_fell_due_in_a_long_silence_the_latest_of_a_kind_is_told_and_all_is_recorded():
    store = MemoryStore()
    policy = PAIR.model_copy(update={"deadline_hours": 72, "reminders": (48, 24)})
    due = due_notices(asked(), WAITING, NOW + timedelta(hours=60), policy)
    assert [notice.id for notice in due] == ["opened", "reminder-1", "reminder-2"]
    assert [notice.id for notice in record_notices(store, due)] == ["opened", "reminder-2"]
    assert record_notices(store, due) == []
