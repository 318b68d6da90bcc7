"""What the command line, and a version's tags, say of approvals by rule, haste and agreement."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback.policy import Policy
from feedback.publishing import publish
from feedback.recording import load_decision
from feedback.store import LocalStore
from feedback.watching import watch_once
from flows.reporting import RunReporter
from tests.feedback.ruled import DAY, POLICY, repeating_bundle
from tests.review_request import CUT, FILES, make_answer, make_bundle, make_edit

TWO = Policy.model_validate(
    {
        "name": "two",
        "roles": {"reviewer": {"approvals": 2, "anyone": True, "signatures": ["none"]}},
        "author_may_approve": True,
    }
)


@pytest.fixture
def store(settings) -> LocalStore:
    return LocalStore(Path(settings.store_url()))


@pytest.fixture
def ruled(store):
    now = datetime.now(UTC)
    bundle = repeating_bundle(created_at=now - DAY - timedelta(minutes=1))
    publish(store, bundle, FILES)
    assert watch_once(store, POLICY, now).decisions[0].by_rule
    return bundle


def test_list_and_show_tell_that_a_rule_approved(parley, ruled, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = parley("review", "list", "--all")
    assert (code, "APPROVED by rule" in " ".join(out.split())) == (0, True)
    code, out, _ = parley("review", "show", ruled.request_id)
    told = " ".join(out.split())
    assert "by rule of policy ruled, by no person: approved by rule: nobody answered" in told
    code, out, _ = parley("audit", "verify")
    assert (code, "1 entries, unbroken" in out) == (0, True)


def test_tags_of_a_version_claim_no_person(store, ruled):
    decision = load_decision(store, ruled.request_id)

    class Run:
        run_id, dataset = "run-1", type("Dataset", (), {"md5": "0" * 32})

    reporter = RunReporter.__new__(RunReporter)
    reporter._run, reporter._earlier = Run, []
    tags = reporter.version_tags(decision, "edited")
    assert tags["review.reviewers"] == "nobody: rule of policy ruled"
    assert (tags["review.by_rule"], tags["review.edits"]) == ("ruled", "1")


def test_a_hasty_approval_is_refused_before_it_is_handed_in(parley, store, tmp_path):
    bundle = make_bundle(author="eve")
    publish(store, bundle, FILES)
    slow = {**TWO.model_dump(mode="json"), "attention": {"seconds_per_item": 5}}
    (tmp_path / "slow.json").write_text(json.dumps(slow))
    given = {"responses": [make_edit(CUT)], "seconds_by_item": {"carrier": 4.0}}

    def hand_in(name, **changes):
        (tmp_path / "a.json").write_bytes(make_answer(bundle, nonce=name, **{**given, **changes}))
        return parley("review", "submit", bundle.request_id, "a.json", "--policy", "slow.json")

    code, _, error = hand_in("nonce-0001")
    assert (code, error.count("\n")) == (1, 1)
    assert "carrier: 4 s instead of 5 s" in error
    assert store.list("inbox/") == []
    assert hand_in("nonce-0002", seconds_by_item={"carrier": 5.0})[0] == 0


def test_agreement_is_shown_as_tables_and_as_json(parley, store):
    code, out, _ = parley("review", "agreement")
    assert (code, "nobody has answered" in out) == (0, True)
    bundle = make_bundle(created_at=datetime.now(UTC) - timedelta(hours=2))
    publish(store, bundle, FILES)
    for name, edits in (("ada", [make_edit(CUT)]), ("bob", [])):
        data = make_answer(bundle, reviewer=name, nonce=f"nonce-{name}", responses=edits)
        store.put(f"inbox/{bundle.request_id}/{name}/nonce-{name}.json", data)
    assert watch_once(store, TWO, datetime.now(UTC)).decisions[0].is_approved
    code, out, _ = parley("review", "agreement")
    told = " ".join(out.split())
    assert code == 0
    assert "1 of 1" in told
    assert "too few" in told
    found = json.loads(parley("review", "agreement", "--json")[1])
    ada, bob = found["reviewers"]
    assert (ada["reviewer"], ada["answered"], bob["reviewer"]) == ("ada", 1, "bob")
    assert ada["hours_to_answer"] == pytest.approx(2, abs=0.1)
    assert ada["overridden"] == {
        "hits": 0, "n": 1, "share": 0.0, "interval": pytest.approx([0.0, 0.7935], abs=1e-4),
        "is_few": True,
    }  # fmt: skip
    (pair,) = found["pairs"]
    # Two of three classes the same: p_e = 3 * 2 / 9, so no better than chance.
    assert (pair["kappa"]["n"], pair["kappa"]["same"]) == (3, 2)
    assert pair["kappa"]["value"] == pytest.approx(0.0)
