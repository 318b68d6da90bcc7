from collections.abc import Callable

import pytest

from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph import pack_evidence, read_evidence, validate_response
from feedback.document import parse_document
from feedback.errors import (
    BundleMismatchError,
    ContradictionError,
    FeedbackError,
    UnknownTargetError,
)

MakeDocument = Callable[..., bytes]
Op = dict[str, object]


def replace(slot: int, to: str, from_: str | None = None) -> Op:
    return {"op": "replace_concept", "slot": slot, "from": from_ or f"carrier/k0{slot}", "to": to}


def edge(kind: str, src: int, dst: int, **more: object) -> Op:
    return {"op": f"{kind}_edge", "src": src, "dst": dst, **more}


def test_evidence_survives_packing(bundle: ReviewBundle) -> None:
    evidence = read_evidence(bundle)
    packed, items = pack_evidence(evidence, {"carrier": 2.0, "tank": 1.0})
    assert (packed, items) == (bundle.evidence, bundle.items)


@pytest.mark.parametrize(
    "ops",
    [
        None,
        [],
        [replace(0, "carrier/k03")],
        [edge("remove", 0, 1)],
        [edge("add", 0, 1, bidirectional=True)],
        [replace(1, "carrier/k03"), edge("remove", 1, 2), edge("add", 2, 1)],
        # A node may lose every edge in one direction.
        [edge("remove", 0, 1), edge("remove", 0, 2)],
    ],
)
def test_edits_that_fit_pass_without_a_warning(
    bundle: ReviewBundle, make_document: MakeDocument, ops: list[Op] | None
) -> None:
    assert validate_response(bundle, parse_document(make_document(ops))) == ()


@pytest.mark.parametrize(
    ("ops", "kind", "reason"),
    [
        ([replace(3, "carrier/k03", "x")], UnknownTargetError, "slot from 0 to 2"),
        ([replace(0, "carrier/k09")], UnknownTargetError, "candidate of class 'carrier'"),
        ([replace(0, "tank/k01")], UnknownTargetError, "candidate of class"),
        ([replace(0, "carrier/k03", "carrier/k01")], UnknownTargetError, "'carrier/k00' in slot 0"),
        ([replace(0, "carrier/k01")], ContradictionError, "not in the graph"),
        ([replace(0, "carrier/k00")], ContradictionError, "not in the graph"),
        ([replace(0, "carrier/k03"), replace(1, "carrier/k03")], ContradictionError, "in two"),
        ([replace(0, "carrier/k03"), replace(0, "carrier/k03")], ContradictionError, "once"),
        ([edge("remove", 0, 3)], UnknownTargetError, "slot from 0 to 2"),
        ([edge("add", 1, 1)], UnknownTargetError, "to itself"),
        ([edge("remove", 0, 1), edge("add", 0, 1)], ContradictionError, "got both"),
        ([edge("add", 1, 0, bidirectional=True), edge("remove", 0, 1)], ContradictionError, "both"),
        ([edge("remove", 0, 1), edge("remove", 0, 1)], ContradictionError, "got two"),
        (
            [edge("remove", i, j) for i, j in [(0, 1), (0, 2), (1, 0), (2, 0)]],
            ContradictionError,
            "an edge left at slot 0",
        ),
    ],
)
def test_edits_that_do_not_fit_are_refused(
    bundle: ReviewBundle,
    make_document: MakeDocument,
    ops: list[Op],
    kind: type[FeedbackError],
    reason: str,
) -> None:
    with pytest.raises(kind, match=reason):
        validate_response(bundle, parse_document(make_document(ops)))


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("carrier/k04", "found in 19% of the images"),
        ("carrier/k05", r"nearly tank/k00 in the graph of tank \(cosine 0.95\)"),
        ("tank/k00", "was mined from tank"),
    ],
)
def test_concepts_that_will_hardly_help_are_warned_of(
    bundle: ReviewBundle, make_document: MakeDocument, to: str, reason: str
) -> None:
    import re

    warnings = validate_response(bundle, parse_document(make_document([replace(0, to)])))
    assert any(re.search(reason, warning) for warning in warnings)


def test_a_twin_that_is_in_no_graph_is_not_warned_of(
    bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    # carrier/k06 is nearly tank/k03, which is only a candidate.
    document = parse_document(make_document([replace(0, "carrier/k06")]))
    assert validate_response(bundle, document) == ()


def test_edits_of_a_class_that_was_not_shown_are_refused(
    bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    response = {"class_name": "ship", "base_cscg": "a" * 64, "ops": []}
    with pytest.raises(UnknownTargetError, match="'carrier', 'Flugzeugträger', 'tank'"):
        validate_response(bundle, parse_document(make_document(responses=[response])))


def test_edits_of_an_older_graph_are_stale(
    bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    response = {"class_name": "tank", "base_cscg": "a" * 64, "ops": []}
    with pytest.raises(BundleMismatchError, match="edit it again"):
        validate_response(bundle, parse_document(make_document(responses=[response])))


def test_two_responses_on_one_class_are_refused(
    bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    response = {"class_name": "tank", "base_cscg": "sha256:" + "c" * 64, "ops": []}
    with pytest.raises(ContradictionError, match="one response per class"):
        validate_response(bundle, parse_document(make_document(responses=[response] * 2)))


def test_a_rejection_carries_no_edits(bundle: ReviewBundle, make_document: MakeDocument) -> None:
    document = parse_document(make_document([edge("remove", 0, 1)], verdict="reject"))
    with pytest.raises(ContradictionError, match="verdict 'reject'"):
        validate_response(bundle, document)
