"""The bucket's policy says what the code does: who writes a kind of key may, and nobody else."""

import inspect
import json
from pathlib import Path

import pytest

from feedback import layout
from feedback.errors import ParamsError
from tasks.access import IDENTITIES, bucket_policy
from tests.guarded import allowed

ROOT = Path(__file__).parents[2]
ADA = "reviewer-ada"
PAGE, WATCHER, RUNS, OPERATOR, USE = (identity.name for identity in IDENTITIES)
DIGEST = "a" * 64
UPLOAD = layout.upload_key("r-1", "ada", "nonce-001")
# Every kind of key that the code writes, and who writes it.
WRITTEN = {
    "manifest_key": (layout.manifest_key("r-1"), {RUNS}),
    "file_key": (layout.file_key("r-1", "crops/a.png"), {RUNS}),
    "upload_key": (UPLOAD, {PAGE, ADA}),
    "preview_request_key": (layout.preview_request_key("r-1", "ada", DIGEST), {PAGE, ADA}),
    "preview_answer_key": (layout.preview_answer_key("r-1", DIGEST), {RUNS}),
    "rejection_key": (layout.rejection_key("r-1", UPLOAD), {WATCHER}),
    "receipt_key": (layout.receipt_key("r-1", UPLOAD), {WATCHER}),
    "notice_key": (layout.notice_key("r-1", "reminder-1"), {WATCHER}),
    "policy_key": (layout.policy_key(DIGEST), {WATCHER}),
    "decision_key": (layout.decision_key("r-1", 1), {WATCHER}),
    "promoted": (layout.decision_key("r-1", 2), {WATCHER, RUNS, OPERATOR}),
    "revoked": (layout.decision_key("r-1", 3), {WATCHER, RUNS, OPERATOR}),
    "waiting_key": (layout.waiting_key("r-1", "run"), {RUNS}),
    "reviewer_key": (layout.reviewer_key("ada"), {OPERATOR}),
    "audit_key": (layout.audit_key("2026-11", 1), {WATCHER, RUNS, OPERATOR}),
    "start of the audit": (layout.AUDIT_START, {WATCHER, RUNS, OPERATOR}),
    "artifact": (f"artifacts/aa/{DIGEST}", {RUNS}),
    "record": (f"stages/distil/{DIGEST}.json", {RUNS}),
    "link": (f"tracking/{DIGEST}.json", {RUNS}),
    "image from use": ("intake/2026/a.png", {USE}),
    "intaken_key": (layout.intaken_key(DIGEST), {RUNS}),
    "origin": ("origins/r-1.json", {RUNS}),
    "last finished run": ("finished/parley.json", {RUNS}),
    "report": ("runs/r/report.json", {RUNS}),
    "promotion_key": (layout.promotion_key("parley", 1), {RUNS, OPERATOR}),
    "promotion_done_key": (layout.promotion_done_key("parley", 1), {RUNS, OPERATOR}),
    "probe_key": (layout.probe_key(DIGEST), {PAGE, WATCHER, RUNS, OPERATOR}),
    "something else": ("secrets/x", set()),
}


@pytest.fixture(scope="module")
def document():
    return bucket_policy("parley", reviewers=["ada", "bob"])


@pytest.mark.parametrize("kind", WRITTEN)
def test_who_writes_a_kind_of_key_may_and_nobody_else(document, kind):
    key, writers = WRITTEN[kind]
    assert allowed(document, "s3:PutObject", key) == writers


def test_every_kind_of_key_of_the_exchange_is_judged():
    made = {
        name
        for name, found in inspect.getmembers(layout, inspect.isfunction)
        if name.endswith("_key") and not name.startswith("parse_")
    }
    assert made <= set(WRITTEN)


def test_a_reviewers_own_key_is_good_for_their_inbox_alone(document):
    for key in (
        layout.upload_key("r-1", "bob", "nonce-001"),
        layout.upload_key("r-1", "ada-2", "nonce-001"),
        "inbox/ada/x.json",
        "inbox/r-1/ada",
    ):
        assert ADA not in allowed(document, "s3:PutObject", key)
    # What the stars let through beyond that is no upload of anybody else.
    odd = "inbox/r-1/bob/ada/nonce-001.json"
    assert ADA in allowed(document, "s3:PutObject", odd)
    assert layout.parse_upload_key(odd) is None
    for action in ("s3:GetObject", "s3:DeleteObject"):
        assert ADA not in allowed(document, action, UPLOAD)


def test_where_the_model_is_used_nothing_can_be_read(document):
    for key, _ in WRITTEN.values():
        assert USE not in allowed(document, "s3:GetObject", key)
    assert USE not in allowed(document, "s3:ListBucket", "", start="arn:aws:s3:::parley")


def test_only_notes_of_waiting_runs_and_probes_may_be_taken_away(document):
    may = {kind: allowed(document, "s3:DeleteObject", key) for kind, (key, _) in WRITTEN.items()}
    assert {kind: who for kind, who in may.items() if who} == {
        "waiting_key": {RUNS, WATCHER},
        "probe_key": {PAGE, WATCHER, RUNS, OPERATOR},
    }
    granted = {action for s in document["Statement"] for action in s["Action"]}
    assert granted == {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}


def test_a_store_below_a_prefix_of_another_account_is_named_in_full():
    document = bucket_policy("b", prefix="team", account="123456789012")
    start = "arn:aws:s3:::b/team/"
    assert allowed(document, "s3:PutObject", "decisions/r/0001.json", start=start) == {WATCHER}
    assert not allowed(document, "s3:PutObject", "decisions/r/0001.json", start="arn:aws:s3:::b/")
    first = document["Statement"][0]["Principal"]["AWS"][0]
    assert first == "arn:aws:iam::123456789012:user/parley-page"


@pytest.mark.parametrize("name", ["", "*", "a/b", "a?", "../x", "${aws:username}"])
def test_a_name_that_would_open_more_than_it_says_is_refused(name):
    with pytest.raises(ParamsError):
        bucket_policy("parley", reviewers=[name])
    with pytest.raises(ParamsError):
        bucket_policy(name)


def test_the_document_of_infra_is_the_one_that_the_command_prints():
    written = json.loads((ROOT / "infra" / "s3" / "bucket-policy.json").read_text())
    assert written == bucket_policy("parley")
