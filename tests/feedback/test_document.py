import json
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph import GraphEdit, read_edits
from feedback.document import MAX_BYTES, parse_document
from feedback.errors import FeedbackError, MalformedDocumentError, SchemaVersionError
from feedback.inbox import check_upload

EDGE = {"op": "remove_edge", "src": 0, "dst": 1}
MakeDocument = Callable[..., bytes]


def test_a_document_survives_a_round_trip(make_document: MakeDocument) -> None:
    data = make_document([EDGE], comment="Brücke\nist Hintergrund", seconds_spent=212)
    document = parse_document(data)
    assert parse_document(document.to_json()) == document
    assert parse_document(document.to_json()).to_json() == document.to_json()
    (edit,) = read_edits(document)
    assert GraphEdit.model_validate_json(edit.model_dump_json()) == edit


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected JSON"),
        (b"{", "expected JSON"),
        (b"[]", "expected a JSON object"),
        (b"null", "expected a JSON object"),
        (b"{}", "integer schema_version"),
        (b'{"schema_version": true}', "integer schema_version"),
        (b'{"schema_version": 1.0}', "integer schema_version"),
        (b'\xef\xbb\xbf{"schema_version": 1}', "byte order mark"),
        ('{"schema_version": 1}'.encode("utf-16"), "byte order mark"),
        (b'{"comment": "\xff"}', "expected UTF-8"),
        (b'{"a": 1, "a": 2}', "each key once"),
        (b'{"x": {"a": 1, "\\u0061": 2}}', "each key once"),
        (b'{"a": NaN}', "finite"),
        (b'{"a": -Infinity}', "finite"),
        (b'{"a": 1e999}', "finite"),
        (b'{"a": ' + b"9" * 5000 + b"}", "40 digits"),
        (b"[" * 17 + b"]" * 17, "16 levels"),
        (b'{"a":' * 100_00, "16 levels"),
        (b" " * (MAX_BYTES + 1), "at most 262144 bytes"),
    ],
)
def test_what_is_not_a_document_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedDocumentError, match=reason):
        parse_document(data)


@pytest.mark.parametrize("version", [0, 2, -1, 10**20])
def test_another_version_is_refused_before_the_rest_is_read(version: int) -> None:
    with pytest.raises(SchemaVersionError, match="expected schema_version 1"):
        parse_document(json.dumps({"schema_version": version, "unknown": []}).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"verdict": "approved"},
        {"verdict": None},
        {"reviewer": "../u"},
        {"reviewer": ""},
        {"nonce": "short"},
        {"nonce": "nonce-001\n"},
        {"nonce": "nonce/../../x"},
        {"bundle_sha256": "A" * 64},
        {"bundle_sha256": "a" * 63},
        {"comment": "x" * 4001},
        {"comment": "bell \x07"},
        {"comment": "escape \x1b[31m"},
        {"comment": "reads \u202ebackwards"},
        {"comment": "half a pair \ud800"},
        {"comment": 3},
        {"created_at": "2026-11-21T10:00:00"},
        {"created_at": 1763719200},
        {"created_at": "1763719200"},
        {"created_at": "yesterday"},
        {"seconds_spent": -1},
        {"seconds_spent": "212"},
        {"seconds_spent": True},
        {"responses": {}},
        {"responses": [1]},
    ],
)
def test_what_the_schema_does_not_allow_is_refused(
    make_document: MakeDocument, change: dict[str, object]
) -> None:
    with pytest.raises(MalformedDocumentError, match="expected the schema of FeedbackDocument"):
        parse_document(make_document(**change))


@pytest.mark.parametrize(
    "op",
    [
        {"op": "remove_edge", "src": 0},
        {"op": "remove_edge", "src": -1, "dst": 1},
        {"op": "remove_edge", "src": 0, "dst": 16},
        {"op": "remove_edge", "src": "0", "dst": 1},
        {"op": "remove_edge", "src": False, "dst": 1},
        {"op": "remove_edge", "src": 0, "dst": 1, "why": ""},
        {"op": "merge", "src": 0, "dst": 1},
        {"src": 0, "dst": 1},
        {"op": "replace_concept", "slot": 0, "from_": "a", "to": "b"},
        {"op": "replace_concept", "slot": 0, "from": "a", "to": "two\nlines"},
        {"op": "add_edge", "src": 0, "dst": 1, "bidirectional": 1},
        {"op": "remove_edge", "src": 0, "dst": 1, "reason": "x" * 501},
    ],
)
def test_edits_that_the_channel_does_not_know_are_refused(
    make_document: MakeDocument, op: dict[str, object]
) -> None:
    with pytest.raises(MalformedDocumentError, match="expected the schema of GraphEdit"):
        read_edits(parse_document(make_document([op])))


@pytest.mark.parametrize("unit", ['"', '\\"', '"\\', '{"a":"', "[]", "\\", '"a":1,', "é"])
def test_no_text_takes_long_to_refuse(unit: str) -> None:
    started = time.process_time()
    with pytest.raises(MalformedDocumentError):
        parse_document(('{"a":"' + unit * (MAX_BYTES // 8))[:100_000].encode())
    # Quadratic scanning of this length takes minutes; the bound only tells that apart.
    assert time.process_time() - started < 20


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["..", "a/../b", "\u202e", "\x00", "9" * 400, "concept_graph", "approve"])
)  # fmt: skip
hostile = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["op", "src", "ops", "from", "x", "type"]), inner)
    ),
    max_leaves=6,
)
fields = st.sampled_from(
    ["schema_version", "request_id", "bundle_sha256", "channel", "reviewer", "nonce", "verdict",
     "responses", "comment", "created_at", "seconds_spent", "surprise"]
)  # fmt: skip


@given(changes=st.dictionaries(fields, hostile, min_size=1, max_size=3), drop=st.none() | fields)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_documents_are_refused_or_mean_what_they_say(
    bundle: ReviewBundle,
    make_document: MakeDocument,
    changes: dict[str, object],
    drop: str | None,
) -> None:
    value = json.loads(make_document([EDGE])) | changes
    value.pop(drop, None)
    try:
        checked = check_upload(bundle, json.dumps(value).encode())
    except FeedbackError as error:
        reason = str(error)
    else:
        reason = ""
    if reason:
        assert "expected" in reason
        assert len(reason) < 1500
        return
    written = json.loads(checked.document.to_json())
    assert {name: written[name] for name in value if name != "created_at"} == {
        name: given for name, given in value.items() if name != "created_at"
    }
    assert written["request_id"] == bundle.request_id
    assert written["bundle_sha256"] == bundle.digest


@given(cut=st.integers(0, 600), noise=st.binary(max_size=8), where=st.integers(0, 600))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_bytes_never_escape_as_another_error(
    bundle: ReviewBundle, make_document: MakeDocument, cut: int, noise: bytes, where: int
) -> None:
    data = make_document([EDGE])
    damaged = data[:where] + noise + data[where + cut :]
    try:
        checked = check_upload(bundle, damaged)
    except FeedbackError:
        return
    assert checked.document.request_id == bundle.request_id


@given(ops=st.lists(st.fixed_dictionaries(
    {"op": st.sampled_from(["remove_edge", "add_edge", "replace_concept"])},
    optional={
        "src": st.integers(-1, 3), "dst": st.integers(-1, 3), "slot": st.integers(-1, 3),
        "from": st.sampled_from(["carrier/k00", "carrier/k01", "nobody"]),
        "to": st.sampled_from(["carrier/k03", "carrier/k00", "tank/k00", "nobody"]),
        "bidirectional": st.booleans(),
    },
), max_size=5))  # fmt: skip
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_generated_edits_are_refused_or_fit_the_graph(
    bundle: ReviewBundle, make_document: MakeDocument, ops: list[dict[str, object]]
) -> None:
    try:
        checked = check_upload(bundle, make_document(ops))
    except FeedbackError:
        return
    (edit,) = read_edits(checked.document)
    slots = [f"carrier/k0{slot}" for slot in range(3)]
    for op in edit.ops:
        if op.op == "replace_concept":
            assert slots[op.slot] == op.from_
            slots[op.slot] = op.to
        else:
            assert op.src != op.dst
            assert max(op.src, op.dst) < 3
    assert len(set(slots)) == 3
