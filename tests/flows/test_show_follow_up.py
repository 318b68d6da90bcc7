"""``parley review show`` and ``list`` of a follow-up: what was said, and an answer to fill in."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedback.follow_up import FollowUp
from feedback.following import freeze_follow_up
from feedback.inbox import check_upload
from feedback.publishing import publish
from feedback.store import LocalStore
from tests.review_request import CUT, FILES, make_bundle, make_edit


@pytest.fixture
def store(settings) -> LocalStore:
    return LocalStore(Path(settings.store_url()))


def follow(store, *proposed, **changes):
    bundle = publish(store, make_bundle(), FILES)
    values = {
        "number": 2,
        "request_id": bundle.request_id,
        "decision_sha256": "c" * 64,
        "state": "CHANGES_REQUESTED",
        "said": [{"reviewer": "bob", "verdict": "request_changes", "comment": "cut [bold]it[/]"}],
        "proposed": proposed,
    }
    follows = FollowUp.model_validate({**values, **changes})
    now = datetime.now(UTC)
    made = freeze_follow_up(bundle, follows, created_at=now, author="eve", run="r")
    return publish(store, made, FILES)


def test_it_is_told_what_was_said_and_the_template_is_an_answer_that_is_taken(
    parley, store, tmp_path
):
    bundle = follow(store, make_edit(CUT), conflicts=("tank",))
    path = tmp_path / "a.json"
    code, out, _ = parley("review", "show", bundle.request_id, "--template", path)
    told = " ".join(out.split())
    assert code == 0
    first = make_bundle().request_id
    assert f"follow-up 2 of {first}, which ended CHANGES_REQUESTED" in told
    # Reviewers' words are text, whatever stands in them.
    assert "bob, request_changes: cut [bold]it[/]" in told
    assert "edited differently, so not proposed: tank" in told
    assert '"op": "remove_edge"' in told
    assert "with what is proposed" in told
    answer = json.loads(path.read_bytes()) | {"reviewer": "ada"}
    assert answer["responses"] == [make_edit(CUT)]
    checked = check_upload(bundle, json.dumps(answer).encode(), reviewer="ada")
    assert checked.document.verdict == "approve"
    _, out, _ = parley("review", "list")
    assert "follow-up 2" in out
    assert out.count("follow-up") == 1


def test_proposals_that_make_no_valid_answer_are_left_out_of_the_template(parley, store, tmp_path):
    bundle = follow(store, make_edit(CUT), make_edit({**CUT, "src": 1, "dst": 2}))
    path = tmp_path / "a.json"
    _, out, _ = parley("review", "show", bundle.request_id, "--template", path)
    assert "with what is proposed" not in out
    assert json.loads(path.read_bytes())["responses"] == []
