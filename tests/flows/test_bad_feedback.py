"""Documents that ``parley review submit`` and ``parley run --reviewer file:`` refuse."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from feedback.exchange import load_rejections, publish
from feedback.waiting import wait_for_decision
from tests.review_request import CUT, FILES, NOW, make_bundle, make_document, make_edit

ADD = {"op": "add_edge", "src": 0, "dst": 1}


def replaced(slot=0, to="carrier/k03", from_="carrier/k00"):
    return {"op": "replace_concept", "slot": slot, "from": from_, "to": to}


def ops(*given):
    return lambda bundle: make_document(bundle, list(given))


def changed(**changes):
    return lambda bundle: make_document(bundle, **changes)


def raw(data):
    return lambda bundle: data


BAD = {
    "not-json": (raw(b"not json"), "expected JSON"),
    "not-utf8": (raw(b"\xff{}"), "expected UTF-8"),
    "empty": (raw(b""), "expected JSON"),
    "a-list": (raw(b"[]"), "expected a JSON object"),
    "no-version": (raw(b"{}"), "integer schema_version"),
    "too-large": (raw(b" " * 300_000), "expected at most 262144 bytes"),
    "too-deep": (raw(b"[" * 100_000), "levels of nesting"),
    "nan": (raw(b'{"schema_version": NaN}'), "finite numbers"),
    "key-twice": (raw(b'{"a": 1, "a": 2}'), "each key once"),
    "another-version": (changed(schema_version=2), "schema_version 1 (got 2)"),
    "another-edit-version": (changed(responses=[make_edit(version=9)]), "responses.0.version"),
    "unknown-field": (changed(mood="good"), "mood"),
    "another-request": (changed(request_id="concept_graph-other"), "request"),
    "another-bundle": (changed(bundle_sha256="0" * 64), "bundle_sha256"),
    "another-channel": (changed(channel="captions"), "channel"),
    "unknown-class": (changed(responses=[make_edit(class_name="ship")]), "'ship'"),
    "unknown-concept": (ops(replaced(to="carrier/k99")), "carrier/k99"),
    "unknown-slot": (ops(replaced(slot=7)), "slot from 0 to 2 (got 7)"),
    "unknown-edge": (ops(CUT | {"dst": 5}), "slot from 0 to 2 (got 5)"),
    "edge-to-itself": (ops(CUT | {"dst": 0}), "to itself"),
    "unknown-edit": (ops({"op": "paint"}), "paint"),
    "contradictory-edges": (ops(CUT, ADD), "removed or added (got both)"),
    "contradictory-verdict": (
        changed(verdict="reject", responses=[make_edit(CUT)]),
        "no edits with the verdict 'reject'",
    ),
    "two-replacements": (ops(replaced(), replaced()), "replaced once (got twice)"),
    "duplicate-edit": (ops(CUT, CUT), "one edit of edge 0 to 1 (got two)"),
    "duplicate-class": (changed(responses=[make_edit(), make_edit()]), "one response per class"),
    "stale-graph": (changed(responses=[make_edit(base_cscg="f" * 64)]), "the graph has changed"),
    "stale-concept": (ops(replaced(from_="carrier/k01")), "'carrier/k00' in slot 0"),
    "bad-nonce": (changed(nonce="../../x"), "nonce"),
    "bad-reviewer": (changed(reviewer="../ada"), "reviewer"),
    "control-characters": (changed(comment="\x1b[2J"), "control characters"),
}
# Of another request a run can only know once it has published its own.
UNKNOWN_BEFOREHAND = {"another-request"}


@pytest.fixture
def store(settings):
    from tasks.workplace import open_workplace

    return open_workplace(settings).objects


@pytest.fixture
def request_(store):
    """An open request in the store of this installation."""
    return publish(store, make_bundle(deadline=datetime.now(UTC) + timedelta(days=1)), FILES)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_document_is_not_handed_in(refused, request_, store, tmp_path, kind):
    make, message = BAD[kind]
    (tmp_path / "answer.json").write_bytes(make(request_))
    refused("review", "submit", request_.request_id, "answer.json", message=message)
    assert list(store.list("inbox/")) == []


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind not in UNKNOWN_BEFOREHAND])
def test_a_bad_document_ends_a_run_before_any_work(
    run_refused, request_, shapes_dir, tmp_path, kind
):
    make, message = BAD[kind]
    (tmp_path / "answer.json").write_bytes(make(request_))
    run_refused("--data", shapes_dir, "--reviewer", "file:answer.json", message=message)


def test_a_missing_file_and_an_unknown_request_are_told(refused, request_, tmp_path):
    (tmp_path / "answer.json").write_bytes(make_document(request_))
    refused("review", "submit", request_.request_id, "none.json", message="check the path")
    refused("review", "submit", "concept_graph-0", "answer.json", message="a published request")
    refused("review", "submit", "../../etc", "answer.json", message="starts with a dot")


def test_a_document_handed_in_twice_is_a_duplicate(parley, refused, request_, store, tmp_path):
    (tmp_path / "answer.json").write_bytes(make_document(request_))
    assert parley("review", "submit", request_.request_id, "answer.json")[0] == 0
    refused("review", "submit", request_.request_id, "answer.json", message="not handed in before")
    (tmp_path / "answer.json").write_bytes(make_document(request_, verdict="reject"))
    refused("review", "submit", request_.request_id, "answer.json", message="'nonce-001'")
    assert len(store.list("inbox/")) == 1


def test_a_decided_request_takes_nothing_more(
    parley, refused, run_refused, request_, store, shapes_dir, tmp_path
):
    (tmp_path / "answer.json").write_bytes(make_document(request_))
    assert parley("review", "submit", request_.request_id, "answer.json")[0] == 0
    wait_for_decision(store, request_.request_id)
    (tmp_path / "late.json").write_bytes(make_document(request_, nonce="nonce-002"))
    refused("review", "submit", request_.request_id, "late.json", message="APPROVED since")
    given = ["--data", shapes_dir, "--reviewer", "file:late.json"]
    run_refused(*given, message="APPROVED since")


def test_a_document_after_the_deadline_is_refused(
    refused, run_refused, store, shapes_dir, tmp_path
):
    expired = publish(store, make_bundle(deadline=NOW - timedelta(days=300)), FILES)
    (tmp_path / "answer.json").write_bytes(make_document(expired))
    refused("review", "submit", expired.request_id, "answer.json", message="expected an answer by")
    given = ["--data", shapes_dir, "--reviewer", "file:answer.json"]
    run_refused(*given, message="expected an answer by")


@pytest.mark.parametrize("how", ["option", "environment"])
def test_the_command_line_takes_answers_as_long_as_the_policy_that_stands(
    parley, refused, store, tmp_path, monkeypatch, how
):
    late = publish(store, make_bundle(deadline=datetime.now(UTC) - timedelta(hours=23)), FILES)
    (tmp_path / "answer.json").write_bytes(make_document(late))
    (tmp_path / "patient.yaml").write_text(
        "{name: patient, roles: {domain: {}}, at_expiry: escalate, extension_hours: 24}"
    )
    given = ["review", "submit", late.request_id, "answer.json"]
    refused(*given, message="as the policy 'single' has it")
    if how == "environment":
        monkeypatch.setenv("PARLEY_POLICY", "patient.yaml")
    else:
        given += ["--policy", "patient.yaml"]
    assert parley(*given)[0] == 0
    assert len(store.list("inbox/")) == 1


def test_what_was_refused_is_shown_as_it_was_written(parley, request_, store, monkeypatch):
    """A reason that holds brackets must not be read as markup of the terminal."""
    monkeypatch.setenv("COLUMNS", "400")
    document = make_document(request_, responses=[make_edit(class_name="[/bold] ship")])
    store.put(f"inbox/{request_.request_id}/u-5/nonce-001.json", document)
    store.put(
        f"inbox/{request_.request_id}/u-6/nonce-002.json",
        make_document(request_, reviewer="u-6", nonce="nonce-002"),
    )
    wait_for_decision(store, request_.request_id)
    assert len(load_rejections(store, request_.request_id)) == 1
    code, out, _ = parley("review", "show", request_.request_id)
    assert (code, "'[/bold] ship'" in out) == (0, True)


@pytest.mark.parametrize("option", ["--files", "--template"])
def test_a_place_that_takes_no_pictures_is_told(refused, request_, tmp_path, option):
    (tmp_path / "taken").write_text("a file")
    place = "taken/inside"
    refused("review", "show", request_.request_id, option, place, message="expected to write")


def test_a_request_is_written_as_a_page_with_a_template_beside_it(parley, request_, tmp_path):
    """Whatever lies in the folder from before, the page is the one of this request."""
    folder = tmp_path / "review"
    for _ in range(2):
        code, out, _ = parley("review", "show", request_.request_id, "--files", str(folder))
        assert (code, "it needs no network" in out) == (0, True)
        assert request_.request_id in (folder / "index.html").read_text()
        (folder / "index.html").write_text("an old one")
        (folder / "answer.json").write_text("mine")
    assert (folder / "answer.json").read_text() == "mine"
    template = json.loads((folder / "answer-template.json").read_text())
    filled = {**template, "reviewer": "u-7", "comment": "seen on paper"}
    (folder / "answer.json").write_text(json.dumps(filled))
    manifest = str(folder / "manifest.json")
    answer = str(folder / "answer.json")
    code, out, _ = parley("review", "submit", request_.request_id, answer, "--bundle", manifest)
    assert (code, out.startswith("handed in as inbox/")) == (0, True)
