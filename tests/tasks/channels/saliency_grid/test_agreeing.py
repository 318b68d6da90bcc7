"""Several reviewers of one image: what is trained on, what is left out, what is told."""

import csv
import io
from itertools import permutations

import pytest

from feedback.channels.saliency_grid import MarkedCell, join_marks, read_marks
from feedback.states import ReviewState
from models.saliency_grid.params import AgreementParams
from tasks.channels.saliency_grid.agreeing import agree
from tasks.channels.saliency_grid.banking import bank_feedback
from tasks.channels.saliency_grid.queueing import agreement_table
from tasks.channels.saliency_grid.said import Said
from tests.feedback.channels.saliency_grid.images import DIGESTS, make_evidence, make_image
from tests.feedback.channels.saliency_grid.pair import decide_pair

IRRELEVANT, IMPORTANT = 1.0, -1.0


@pytest.fixture
def marks(begun):
    """Answer on the first image: cells as (row, column) or (row, column, weight)."""

    def make(*cells, row=0, **changes):
        marked = tuple(MarkedCell(r=c[0], c=c[1], w=c[2] if c[2:] else 1.0) for c in cells)
        return read_marks([begun.answer(begun.digests[row], cells=marked, **changes)])[0]

    return make


def cells_of(answer):
    return {(cell.r, cell.c): cell.w for cell in answer.cells}


def agreed(params=None, **said):
    joined = join_marks(list(said.values()))
    return agree(joined, said, params or AgreementParams())


def test_what_half_of_them_marked_weighs_half_and_a_contradiction_is_left_out(marks):
    found = agreed(
        ada=marks((0, 0), (0, 1), (1, 0)), ben=marks((0, 0), (1, 0, IMPORTANT), (3, 3, 0.5))
    )
    assert cells_of(found.answer) == {(0, 0): 1.0, (0, 1): 0.5, (3, 3): 0.25}
    assert found.found["contradicted"] == found.found["left_out"] == [[1, 0]]
    # Alike on one cell of four that either marked.
    assert found.found["overlap"] == 0.25
    assert found.found["is_low"] is True
    assert found.found["reviewers"] == ["ada", "ben"]


def test_cells_that_too_few_marked_are_left_out_by_the_parameter(marks):
    said = {"ada": marks((0, 0), (0, 1)), "ben": marks((0, 0)), "cy": marks((0, 0), (1, 0))}
    by_share = {
        share: set(cells_of(agreed(AgreementParams(min_share=share), **said).answer))
        for share in (0.0, 0.5, 1.0)
    }
    everything = {(0, 0), (0, 1), (1, 0)}
    assert by_share == {0.0: everything, 0.5: {(0, 0)}, 1.0: {(0, 0)}}
    found = agreed(**said).found
    assert found["left_out"] == [[0, 1], [1, 0]]
    assert found["overlap"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 3, abs=1e-6)


def test_kappa_counts_the_cells_that_were_shown(marks):
    found = agreed(ada=marks((0, 0), (0, 1)), ben=marks((0, 0), (1, 0))).found
    # Four cells were shown; they agree on two, and by chance on half of them.
    assert found["kappa"] == 0


def test_who_answers_first_does_not_matter(marks):
    said = {
        "ada": marks((0, 0), (0, 1)),
        "ben": marks((0, 0), (3, 3, 0.1)),
        "cy": marks((0, 1), flags=("artefact",), artefact="hair"),
    }
    joined = [join_marks([said[name] for name in order]) for order in permutations(said)]
    assert len({(tuple(sorted(cells_of(one).items())), one.flags) for one in joined}) == 1


def test_one_who_abstains_is_not_compared(marks):
    alone, skip = marks((0, 0)), marks(flags=("skip",))
    assert agree(alone, {"ada": alone, "ben": skip}, AgreementParams()) == (alone, {})
    both = {"ada": alone, "ben": marks((0, 1)), "cy": skip}
    assert agree(skip, both, AgreementParams()) == (skip, {})


def test_a_flag_of_one_is_the_answer_of_all(marks):
    unusable = join_marks([marks((0, 0)), marks(flags=("unusable",))])
    assert (unusable.cells, unusable.flags) == ((), ("unusable",))
    suspect = join_marks([marks((0, 0)), marks((0, 0), flags=("label_suspect",))])
    assert (cells_of(suspect), suspect.flags) == ({(0, 0): 1.0}, ("label_suspect",))


def test_a_ruling_stands_as_it_is(marks):
    said = {"ada": marks((0, 0)), "ben": marks((0, 1)), "lead": marks((1, 0))}
    found = agree(said["lead"], said, AgreementParams(min_share=1.0))
    assert cells_of(found.answer) == {(1, 0): 1.0}
    assert found.found["left_out"] == [[0, 0], [0, 1]]


def test_a_decision_holds_who_said_what_of_an_image():
    _, decision = decide_pair()
    said = Said.of(decision, decision, make_evidence())
    ship = DIGESTS["ship.png"]
    assert {name: len(one.cells) for name, one in said.on(ship).items()} == {"ada": 2, "bob": 1}
    (joined,) = (one for one in said.agreed if one.image == ship)
    found = agree(joined, said.on(ship), AgreementParams())
    assert cells_of(found.answer) == {(0, 6): 1.0, (1, 6): 0.5}
    assert (found.found["overlap"], found.found["is_low"]) == (0.5, False)
    assert list(said.on(DIGESTS["jet.png"])) == ["ada"]
    rejected = decision.model_copy(update={"state": ReviewState.REJECTED})
    assert Said.of(rejected, decision, make_evidence()) == Said(agreed=())


def test_who_may_not_approve_has_no_say_in_the_agreement():
    _, decision = decide_pair(("eve", "ada", "bob"))
    assert decision.state is ReviewState.APPROVED
    assert decision.joined == ("ada", "bob")
    said = Said.of(decision, decision, make_evidence()).on(DIGESTS["ship.png"])
    assert list(said) == ["ada", "bob"]
    earlier = decision.model_copy(update={"joined": ()})
    others = Said.of(earlier, earlier, make_evidence()).on(DIGESTS["ship.png"])
    assert list(others) == ["ada", "bob", "eve"]


def test_marks_on_a_failed_explanation_and_on_padding_are_doubted(begun, marks):
    _, decision = decide_pair()
    images = (
        make_image("ship.png", failure="all_zero"),
        # The marked square, row and column 3, is above the picture.
        make_image("jet.png", content=(130, 0, 224, 224)),
        make_image("tank.png", failure="not_finite"),
    )
    said = Said.of(decision, decision, make_evidence(images=images))
    # Nothing was marked on the tank: there is nothing to doubt.
    assert said.doubts == {
        DIGESTS["ship.png"]: ("failed_explanation",),
        DIGESTS["jet.png"]: ("on_padding",),
    }
    # What goes into the bank, and from there into the table.
    answer = marks((0, 0))
    doubted = Said(agreed=(answer,), doubts={answer.image: ("failed_explanation",)})
    found = bank_feedback.fn(
        begun.fresh(), basis=begun.basis, before=None, said=[doubted], params=begun.channel
    )
    table = begun.workplace.artifacts.load_text(found.outputs["doubts.csv"])
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["doubts"].split() == ["failed_explanation"]


def test_the_bank_keeps_how_far_they_agree_until_somebody_answers_alone(begun, marks):
    pair = {"ada": (marks((0, 0), (0, 1)),), "ben": (marks((3, 3)),)}
    said = Said(agreed=(join_marks([pair["ada"][0], pair["ben"][0]]),), by_reviewer=pair)

    def bank(said, before=None):
        return bank_feedback.fn(
            begun.fresh(), basis=begun.basis, before=before, said=[said], params=begun.channel
        )

    first = bank(said)
    (entry,) = begun.work.load_json(first, "agreement")
    assert (entry["name"], entry["overlap"]) == (begun.images.names[0], 0)
    assert (first.facts["compared_images"], first.facts["low_agreement"]) == (1, 1)
    (doubt,) = begun.work.load_json(first, "doubts")
    assert "low_agreement" in doubt["doubts"]
    (mark,) = begun.work.load_json(first, "marks")
    assert sum(map(sum, mark["weights"])) == 1.5
    second = bank(Said(agreed=(marks((0, 0)),)), before=first)
    assert begun.work.load_json(second, "agreement") == []
    assert (second.facts["compared_images"], second.facts["mean_overlap"]) == (0, None)


def test_clicks_are_those_of_every_reviewer(begun, marks):
    skipped = marks(flags=("skip",))
    own = {"ada": (marks((0, 0), (0, 1)),), "ben": (marks((0, 0)),), "cy": (skipped,)}
    # Who skips is joined with nobody, and stays an edit of the same image.
    joined = join_marks([own["ada"][0], own["ben"][0]])
    said = Said(agreed=(joined, skipped), by_reviewer=own)
    found = bank_feedback.fn(
        begun.fresh(), basis=begun.basis, before=None, said=[said], params=begun.channel
    )
    assert found.facts["clicks"] == 3


def test_the_table_names_cells_as_the_page_does_and_numbers_stay_numbers():
    entry = {
        "image": "f" * 64,
        "name": "=a.png",
        "reviewers": ["ada", "ben"],
        "overlap": 0.25,
        "kappa": -0.5,
        "contradicted": [[0, 1], [3, 3]],
        "left_out": [],
        "is_low": True,
    }
    (row,) = csv.DictReader(io.StringIO(agreement_table([entry])))
    assert row["name"] == "'=a.png"
    assert row["kappa"] == "-0.5"
    assert row["contradicted"] == "row 1 column 2, row 4 column 4"
    assert (row["reviewers"], row["agreement"]) == ("ada ben", "low")
