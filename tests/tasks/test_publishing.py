"""How long people have to answer a published request: what the run says, its policy, or a week."""

from datetime import UTC, datetime, timedelta

import pytest

from feedback.answer import GateRequest
from feedback.bundle import ModelVersion
from feedback.gate import Outcome, closing_time
from feedback.notices import due_notices
from feedback.policy import Policy, single_policy
from feedback.publishing import load_bundle
from feedback.since import Scores
from feedback.states import ReviewState
from tasks.publishing import publish_review
from tasks.registry import set_alias
from tasks.version_pages import VersionRef
from tests.feedback.ruled import RULE
from tests.review_request import FILES, make_bundle

HOUR = timedelta(hours=1)
MODEL = ModelVersion(name="parley", digest="d" * 64)


@pytest.fixture
def published(registry, workplace):
    """Publish as a run does; return the request and the moments before and after."""

    def publish(policy, hours=None, **changes):
        before = datetime.now(UTC)
        bundle = make_bundle(author="eve", created_at=before, **changes)
        found = publish_review.fn(
            workplace, bundle, FILES, tracker=registry, name="parley",
            policies=[policy, single_policy()], scores=Scores({}, {}), deadline_hours=hours,
        )  # fmt: skip
        assert load_bundle(workplace.objects, found.request_id) == found
        return found, before, datetime.now(UTC)

    return publish


def rule(**changes):
    return Policy.model_validate({"name": "rule", "roles": {"domain": {}}, **changes})


@pytest.mark.parametrize(
    ("of_run", "of_policy", "hours"),
    [(None, 72, 72), (24, 72, 24), (240, 72, 240), (None, None, 168), (5, None, 5)],
)
def test_the_run_comes_before_the_policy_and_a_week_after_both(published, of_run, of_policy, hours):
    found, before, after = published(rule(deadline_hours=of_policy), of_run)
    assert before + hours * HOUR <= found.deadline <= after + hours * HOUR


def test_reminders_escalation_and_extension_count_from_the_policys_deadline(published):
    policy = rule(
        deadline_hours=72, reminders=[24], escalation=[{"hours_before": 12, "to": ["lead"]}],
        at_expiry="escalate", extension_hours=10,
    )  # fmt: skip
    found, before, after = published(policy)
    request, waiting = GateRequest.of(found), Outcome(ReviewState.OPEN, "waiting for 1 x domain")
    assert before + 82 * HOUR <= closing_time(request, policy) <= after + 82 * HOUR

    def told(hours):
        return [notice.kind for notice in due_notices(request, waiting, hours, policy)]

    assert told(before + 47.9 * HOUR) == ["opened"]
    assert told(after + 48 * HOUR) == ["opened", "reminder"]
    assert told(before + 59.9 * HOUR) == ["opened", "reminder"]
    assert told(after + 60 * HOUR) == ["opened", "reminder", "escalation"]


def test_a_deadline_that_the_manifest_brings_along_stays(published):
    deadline = datetime.now(UTC) + 3 * HOUR
    assert published(rule(deadline_hours=72), deadline=deadline)[0].deadline == deadline


def test_reviews_in_a_row_are_frozen_in_the_request_when_a_rule_may_approve_it(
    published, registry, workplace
):
    registry.client.create_registered_model("parley")
    version = registry.client.create_model_version("parley", "file:///none")
    set_alias(
        registry, VersionRef(name="parley", version=str(version.version), digest=""), "champion"
    )
    plain, *_ = published(rule(deadline_hours=72))
    assert plain.since.unattended is None
    ruled = rule(deadline_hours=72, auto_approve=RULE)
    first, *_ = published(ruled, round=2, model=MODEL)
    # What was open of another model is none of this one's.
    assert first.since.unattended == 0
    second, *_ = published(ruled, round=3, model=MODEL)
    assert second.since.unattended == 1
    assert b'"unattended":1' in second.to_json()
    assert b"unattended" not in plain.to_json()
