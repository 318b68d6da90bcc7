"""What a request of concept graphs proposes again, and what speaks against doing it unseen."""

import pytest

from feedback.channels.concept_graph import proposal_of, read_edits
from feedback.document import parse_document
from feedback.inbox import check_upload
from tests.feedback.ruled import repeating_bundle
from tests.review_request import CUT, make_answer, make_bundle, make_edit


def test_carried_edits_are_one_answer_that_a_person_could_hand_in() -> None:
    bundle = repeating_bundle()
    proposal = proposal_of(bundle)
    assert proposal is not None
    (edit,) = proposal.edits
    assert (edit.target, proposal.n_edits, proposal.similarity) == ("carrier", 1, 0.95)
    assert (proposal.classes, proposal.sources) == ({"carrier"}, ("concept_graph-old",))
    assert proposal.doubts == ()
    answer = make_answer(bundle, responses=[edit.response])
    assert check_upload(bundle, answer).warnings == ()
    (read,) = read_edits(parse_document(answer))
    assert [op.op for op in read.ops] == ["remove_edge"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"n_lost": 2}, "lost: 2"), ({"dst": 0}, "edge")],
)
def test_what_was_lost_or_would_be_refused_is_a_doubt(
    changes: dict[str, object], told: str
) -> None:
    proposal = proposal_of(repeating_bundle(**changes))
    assert proposal is not None
    assert told in " ".join(proposal.doubts)


def test_the_least_alike_concept_counts_and_roundings_stay_in_range() -> None:
    for similarity, told in ((1.0001, 1.0), (0.3, 0.3), (-0.2, 0.0)):
        proposal = proposal_of(repeating_bundle(similarity=similarity))
        assert proposal is not None
        assert proposal.similarity == told


def test_a_request_that_repeats_nothing_knows_no_similarity() -> None:
    proposal = proposal_of(make_bundle())
    assert proposal is not None
    assert (proposal.edits, proposal.n_edits, proposal.similarity) == ((), 0, None)
    assert proposal.sources == ()


def test_evidence_that_cannot_be_read_proposes_nothing_that_is_known() -> None:
    bundle = make_bundle()
    (first, *others) = bundle.items
    broken = first.model_copy(update={"evidence": {**first.evidence, "slots": []}})
    assert proposal_of(bundle.model_copy(update={"items": (broken, *others)})) is None


def test_the_edit_quotes_the_graph_that_is_shown() -> None:
    proposal = proposal_of(repeating_bundle())
    assert proposal is not None
    assert proposal.edits[0].response["base_cscg"] == make_edit(CUT)["base_cscg"]
