import json
from datetime import UTC, datetime, timedelta

import pytest

from feedback.errors import ClosedRequestError, MalformedDocumentError, ObjectNotFoundError
from feedback.policy import Policy, single_policy
from feedback.publishing import publish
from feedback.watching import watch_once
from tasks.exchange import (
    check_feedback,
    load_report,
    read_feedback_file,
    save_report,
)
from tasks.handing_in import hand_in
from tests.review_request import FILES, make_answer, make_bundle

PATIENT = Policy.model_validate(
    single_policy().model_dump()
    | {"name": "patient", "at_expiry": "escalate", "extension_hours": 24}
)


@pytest.fixture
def overdue(workplace):
    """Publish a request whose deadline passed some hours ago."""

    def make(hours):
        deadline = datetime.now(UTC) - timedelta(hours=hours)
        return publish(workplace.objects, make_bundle(deadline=deadline), FILES)

    return make


def test_an_answer_that_is_handed_in_during_the_extension_decides(workplace, overdue):
    bundle = overdue(hours=23)
    answer = make_answer(bundle, created_at=datetime.now(UTC).isoformat())
    check_feedback(workplace, answer, PATIENT)
    key = hand_in(workplace.objects, bundle.request_id, answer, PATIENT).key
    assert workplace.objects.exists(key)
    (decision,) = watch_once(workplace.objects, PATIENT, datetime.now(UTC)).decisions
    assert (decision.state.value, decision.policy) == ("APPROVED", "patient")


@pytest.mark.parametrize(("hours", "policy"), [(23, None), (25, PATIENT)])
def test_what_the_policy_that_stands_would_not_count_is_not_handed_in(
    workplace, overdue, hours, policy
):
    bundle = overdue(hours)
    for give in (
        lambda: hand_in(workplace.objects, bundle.request_id, make_answer(bundle), policy),
        lambda: check_feedback(workplace, make_answer(bundle), policy),
    ):
        with pytest.raises(ClosedRequestError, match="expected an answer by"):
            give()
    assert workplace.objects.list("inbox/") == []


def test_the_latest_report_is_found_without_its_name(workplace):
    save_report(workplace, "run-1", {"a": 1})
    save_report(workplace, "run-2", {"a": 2})
    assert json.loads(load_report(workplace, "latest")) == {"a": 2}
    assert json.loads(load_report(workplace, "run-1")) == {"a": 1}
    with pytest.raises(ObjectNotFoundError):
        load_report(workplace, "run-3")


def test_a_report_holds_only_numbers_that_json_knows(workplace):
    with pytest.raises(ValueError):
        save_report(workplace, "run-1", {"a": float("nan")})
    with pytest.raises(ObjectNotFoundError):
        load_report(workplace, "latest")


def test_a_feedback_file_must_exist_and_be_small(tmp_path):
    with pytest.raises(MalformedDocumentError, match="check the path"):
        read_feedback_file(tmp_path / "none.json")
    (tmp_path / "large.json").write_bytes(b" " * 20_000_000)
    with pytest.raises(MalformedDocumentError, match="expected at most"):
        read_feedback_file(tmp_path / "large.json")
