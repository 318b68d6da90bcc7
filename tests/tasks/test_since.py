"""What a request tells of the champion: from its tags, its metrics and its recorded review."""

import json
from datetime import UTC, datetime

import pytest

from feedback.bundle import BaseVersion
from feedback.layout import decision_key, manifest_key
from feedback.opening import open_request
from feedback.policy import single_policy
from feedback.recording import record_transition
from feedback.since import Scores
from feedback.states import ReviewState
from feedback.waiting import wait_for_decision
from tasks.exchange import submit_feedback
from tasks.publishing import publish_review
from tasks.records import Metric
from tasks.registry import set_alias
from tasks.since import describe_since
from tasks.tracking import Tracker
from tasks.version_pages import VersionRef
from tests.review_request import FILES, make_bundle, make_document

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EDIT = {"op": "replace_concept", "slot": 0, "from": "carrier/k00", "to": "carrier/k03",
        "reason": "the sea"}  # fmt: skip
SCORES = Scores(
    {"carrier": 0.5, "type 001/A": 0.25, "tank": 1.0},
    {"classes under review": ("carrier", "type 001/A"), "all classes": ("carrier", "tank")},
)


@pytest.fixture
def champion(registry, workplace):
    """The champion: corrected by a review that put another concept into one slot."""
    experiment = registry.client.create_experiment("one")
    run = registry.client.create_run(experiment)
    accuracies = {"class.carrier": 0.75, "class.type 001/A": 0.5, "ece": 0.1}
    Tracker(registry.client, experiment, run.info.run_id).log(
        [Metric(name, value) for name, value in accuracies.items()]
    )
    registry.client.create_registered_model("parley")
    version = registry.client.create_model_version(
        "parley", "file:///none", run_id=run.info.run_id,
        tags={"dvc.md5": "1" * 32 + ".dir", "parley.weights_sha256": "e" * 64},
    )  # fmt: skip
    number = str(version.version)
    set_alias(registry, VersionRef(name="parley", version=number, digest=""), "champion")
    objects = workplace.objects
    asked = open_request(objects, make_bundle(), FILES, base=None, policies=[single_policy()])
    document = make_document(asked, [EDIT])
    submit_feedback.fn(workplace, asked.request_id, document)
    wait_for_decision(objects, asked.request_id)
    record_transition(objects, asked.request_id, ReviewState.PROMOTED)
    registry.client.set_model_version_tag("parley", number, "review.request_id", asked.request_id)
    return BaseVersion(name="parley", version=number, request_id=asked.request_id)


def since(registry, workplace, champion, **changes):
    bundle = make_bundle(notes="another request", **changes)
    return describe_since(workplace.objects, registry, champion, bundle, SCORES)


def test_it_holds_the_dataset_the_accuracies_and_the_edits_of_the_champion(
    registry, workplace, champion
):
    found = since(registry, workplace, champion)
    assert found.dataset_md5 == "1" * 32 + ".dir"
    # The champion was never measured on tanks, so its mean over all classes is not known.
    assert [(row.name, row.champion, row.shown) for row in found.accuracies] == [
        ("classes under review", 0.625, 0.375),
        ("all classes", None, 0.75),
        ("carrier", 0.75, 0.5),
        ("type 001/A", 0.5, 0.25),
        ("tank", None, 1.0),
    ]
    (row,) = found.differences
    assert (row.target, row.part, row.champion, row.shown, row.reason) == (
        "carrier", "slot 1", "carrier/k03", "carrier/k00", "the sea",
    )  # fmt: skip
    assert found.remark == ""


def test_the_published_request_carries_it_and_is_named_by_what_is_shown_alone(
    registry, workplace, champion
):
    plain = make_bundle(notes="another request")
    published = publish_review.fn(
        workplace, plain, FILES, tracker=registry, name="parley", policies=[single_policy()],
        scores=SCORES,
    )  # fmt: skip
    assert published.since == since(registry, workplace, champion)
    assert published.base.version == champion.version
    assert published.request_id == plain.request_id
    stored = workplace.objects.get(manifest_key(published.request_id))
    assert stored == published.to_json()


def test_without_a_champion_the_manifest_is_that_of_earlier_versions(registry, workplace):
    published = publish_review.fn(
        workplace, make_bundle(), FILES, tracker=registry, name="parley",
        policies=[single_policy()], scores=SCORES,
    )  # fmt: skip
    assert (published.base, published.since) == (None, None)
    stored = json.loads(workplace.objects.get(manifest_key(published.request_id)))
    assert {"base", "since"}.isdisjoint(stored)


def test_a_champion_that_no_review_made_says_so(registry, workplace, champion):
    found = since(registry, workplace, champion.model_copy(update={"request_id": None}))
    assert "no review has edited it" in found.remark
    assert found.accuracies[0].champion == 0.625


def test_a_review_that_is_gone_or_changed_is_no_obstacle(registry, workplace, champion):
    key = decision_key(champion.request_id, 1)
    whole = workplace.objects.get(key)
    workplace.objects.put(key, whole.replace(b"the sea", b"the sky"))
    changed = since(registry, workplace, champion)
    assert (changed.differences, changed.accuracies[0].champion) == ((), 0.625)
    assert "restore it from the store" in changed.remark
    workplace.objects.delete(manifest_key(champion.request_id))
    assert "cannot be compared with" in since(registry, workplace, champion).remark


def test_a_version_whose_run_was_deleted_has_no_accuracies(registry, workplace, champion):
    version = registry.client.create_model_version("parley", "file:///none", run_id="0" * 32)
    gone = champion.model_copy(update={"version": str(version.version)})
    found = since(registry, workplace, gone)
    assert {row.champion for row in found.accuracies} == {None}
    assert found.dataset_md5 is None
