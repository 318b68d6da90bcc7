"""Previews from the question to the answer: by the run that waits, and by the worker beside it."""

import json
import shutil
from datetime import UTC, datetime

import pytest

from feedback.channels.concept_graph import read_evidence
from feedback.errors import StoreError
from feedback.layout import preview_answer_key, preview_request_key
from feedback.preview_queue import PreviewQueue
from feedback.previews import PreviewRequest, load_preview, request_preview
from feedback.recording import load_decision
from flows import preview as previewing
from flows.context import ReviewListener
from flows.params import load_params
from flows.preview import answer_waiting, keep_answering
from flows.retrain import retrain
from tasks.exchange import submit_feedback
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.shapes import tiny_overrides

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def edit_of(bundle, slot=0):
    """Put a concept of the first class that is not in its graph into a slot."""
    shown = read_evidence(bundle).classes[0]
    other = next(
        card.concept_id
        for card in shown.candidates
        if card.class_name == shown.class_name and card.concept_id not in shown.slots
    )
    op = {"op": "replace_concept", "slot": slot, "from": shown.slots[slot], "to": other}
    return {
        "type": "graph_edit",
        "version": 1,
        "class_name": shown.class_name,
        "base_cscg": shown.base_cscg,
        "ops": [op],
    }


def ask(workplace, bundle, edit, reviewer="ada"):
    question = PreviewRequest(
        request_id=bundle.request_id,
        bundle_sha256=bundle.digest,
        channel=bundle.channel,
        reviewer=reviewer,
        responses=(edit,),
        created_at=datetime.now(UTC),
    )
    return request_preview(workplace.objects, bundle, question)


def found(workplace, bundle, digest):
    return load_preview(workplace.objects, bundle.request_id, bundle.digest, digest)


class Reviewer:
    """Asks two questions while the run waits, looks at the answers, and rejects."""

    def __init__(self, home):
        self.workplace = open_workplace(Settings(home=home))
        self.looks, self.digests, self.answers = 0, [], []

    def published(self, bundle):
        self.bundle = bundle

    def waits(self, seconds):
        self.looks += 1
        if self.looks == 1:
            hostile = preview_request_key(self.bundle.request_id, "eve", "0" * 64)
            self.workplace.objects.put(hostile, b'{"type":"preview_request","x":NaN}')
            self.digests = [
                ask(self.workplace, self.bundle, edit_of(self.bundle, slot)) for slot in (0, 1)
            ]
            return
        self.answers.append([found(self.workplace, self.bundle, name) for name in self.digests])
        if all(self.answers[-1]) or self.looks > 5:
            no = {
                "schema_version": 1,
                "request_id": self.bundle.request_id,
                "bundle_sha256": self.bundle.digest,
                "channel": self.bundle.channel,
                "reviewer": "ada",
                "nonce": "nonce-0001",
                "verdict": "reject",
                "created_at": "2026-01-01T00:00:00Z",
            }
            data = json.dumps(no).encode()
            submit_feedback.fn(self.workplace, self.bundle.request_id, data)


@pytest.fixture(scope="module")
def asked(tmp_path_factory, shapes_dir, prefect_server):
    """A finished run that answered its reviewer's questions while it waited; read only."""
    home = tmp_path_factory.mktemp("asked")
    reviewer = Reviewer(home)
    params = load_params(None, (*tiny_overrides(review__reviewer="inbox"), f"data={shapes_dir}"))
    listener = ReviewListener(on_published=reviewer.published, on_wait=reviewer.waits)
    return retrain(params, open_workplace(Settings(home=home)), "run-1", listener), reviewer


@pytest.fixture
def worker(asked, tmp_path):
    """Another home with the same request, open and without questions, and the run's stages."""
    for part in ("artifacts", "stages", "reviews", "origins"):
        shutil.copytree(
            asked[1].workplace.settings.home / "store" / part, tmp_path / "home" / "store" / part
        )
    return open_workplace(Settings(home=tmp_path / "home"))


def test_a_run_that_waits_answers_and_its_record_knows_nothing_of_it(asked):
    report, reviewer = asked
    # One between two looks, so that a decision is never waited for by several previews.
    assert [sum(map(bool, answers)) for answers in reviewer.answers] == [1, 2]
    for answer in reviewer.answers[-1]:
        assert not answer.failed
        assert answer.n_images > 0
        assert 0 <= answer.accuracy_before <= 1
        assert len(answer.concepts) == 1
    first, second = reviewer.answers[-1]
    assert first.accuracy_before == second.accuracy_before
    names = {stage["name"] for stage in report["stages"]}
    assert "explain_classes" in names
    assert "preview_graphs" not in names
    assert "edit_graphs" not in names


def test_the_worker_finds_the_same_and_what_is_answered_is_not_computed_again(
    asked, worker, monkeypatch
):
    bundle = asked[1].bundle
    digest = ask(worker, bundle, edit_of(bundle))
    assert keep_answering(worker, every_seconds=1, rounds=1) == 1
    theirs, ours = asked[1].answers[-1][0], found(worker, bundle, digest)
    times = {"asked_at", "answered_at"}
    assert ours.model_dump(exclude=times) == theirs.model_dump(exclude=times)

    def computed_again(*given):
        raise AssertionError("computed again")

    monkeypatch.setattr(previewing, "_compute", computed_again)
    ask(worker, bundle, edit_of(bundle), reviewer="bob")
    assert keep_answering(worker, every_seconds=1, rounds=1) == 0


def test_questions_on_a_decided_request_are_not_computed(asked):
    workplace, bundle = asked[1].workplace, asked[1].bundle
    assert load_decision(workplace.objects, bundle.request_id) is not None
    digest = ask(workplace, bundle, {**edit_of(bundle), "ops": [CUT]}, reviewer="late")
    assert keep_answering(workplace, every_seconds=1, rounds=1) == 0
    assert found(workplace, bundle, digest) is None


CUT = {"op": "remove_edge", "src": 0, "dst": 1}
BROKEN = {
    "no note": (lambda note: None, "its run was started by an earlier version"),
    "no JSON": (lambda note: b"\xff", "got another document"),
    "another request": (lambda note: note | {"request_id": "other"}, "got one about other"),
    "a parameter that is gone": (lambda note: note | {"params": {"x": 1}}, "this version knows"),
    "a dataset that is not here": (
        lambda note: note | {"dataset": note["dataset"] | {"path": "/nowhere"}},
        "expected a data folder (got /nowhere)",
    ),
    "another dataset": (
        lambda note: note | {"dataset": note["dataset"] | {"md5": "0" * 32 + ".dir"}},
        "bring it back with `dvc checkout`",
    ),
    "a stage that is gone": (lambda note: note | {"stages": {}}, "the worker met KeyError"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_computed_is_answered_with_a_reason(asked, worker, what):
    change, reason = BROKEN[what]
    bundle, objects = asked[1].bundle, worker.objects
    key = f"origins/{bundle.request_id}.json"
    changed = change(json.loads(objects.get(key)))
    objects.delete(key)
    if changed is not None:
        objects.put(key, changed if isinstance(changed, bytes) else json.dumps(changed).encode())
    digest = ask(worker, bundle, edit_of(bundle))
    (answer,) = answer_waiting(worker, PreviewQueue(objects))
    assert reason in answer.failed
    assert "\n" not in answer.failed
    assert found(worker, bundle, digest) == answer


def test_the_worker_outlives_a_store_that_is_away(asked, worker, monkeypatch):
    bundle, pauses, get = asked[1].bundle, [], worker.objects.get
    digest = ask(worker, bundle, edit_of(bundle))

    def away(key, **limits):
        if len(pauses) < 2 and key.startswith("artifacts/"):
            raise StoreError("away")
        return get(key, **limits)

    monkeypatch.setattr(worker.objects, "get", away)
    assert keep_answering(worker, every_seconds=1, rounds=3, sleep=pauses.append) == 1
    assert pauses == [2, 4]
    # Nothing failed: the store was only away.
    assert not found(worker, bundle, digest).failed
    assert worker.objects.exists(preview_answer_key(bundle.request_id, digest))
