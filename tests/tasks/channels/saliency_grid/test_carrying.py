"""What a run takes up of the reviews of earlier ones."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from feedback.channels.saliency_grid import Grid, MarkedCell, read_marks
from feedback.policy import single_policy
from feedback.recording import load_decision, record_transition
from feedback.states import ReviewState
from models.saliency_grid.params import AgreementParams, CarryOverParams
from tasks.channels.saliency_grid.bank import entries_of
from tasks.channels.saliency_grid.banking import bank_feedback
from tasks.channels.saliency_grid.carrying import EarlierMarks, carry_over_marks, find_beginning
from tasks.channels.saliency_grid.said import Said, said_in
from tests.feedback.channels.saliency_grid.images import DIGESTS
from tests.feedback.channels.saliency_grid.pair import decide_pair
from tests.feedback.people import PAIR
from tests.review_request import NOW


@pytest.fixture
def said(begun):
    def review(name, *answers, labels=None):
        true = {
            digest: begun.basis.dataset.classes[int(label)]
            for digest, label in zip(begun.digests, begun.images.labels, strict=True)
        }
        return EarlierMarks(
            request_id=name,
            decided_at=NOW + timedelta(hours=int(name[-1])),
            labels=true | (labels or {}),
            said=Said(agreed=read_marks(answers)),
        )

    return review


@pytest.fixture
def carry(begun):
    def run(*earlier, **grid):
        params = begun.channel
        params = params.model_copy(update={"grid": params.grid.model_copy(update=grid)})
        return carry_over_marks.fn(
            begun.fresh(), basis=begun.basis, earlier=list(earlier), params=params
        )

    return run


def marks_of(begun, result):
    return {one["image"]: one["weights"] for one in begun.work.load_json(result, "marks")}


def told(begun, result):
    return [
        tuple(one[part] for part in ("n_images", "n_marked", "n_gone", "n_relabelled"))
        for one in begun.work.load_json(result, "reviews")
    ]


def test_of_each_image_the_latest_review_has_the_last_word(begun, said, carry):
    a, b, c = begun.digests[:3]
    first = said("r1", begun.answer(a, (0, 0)), begun.answer(b, (0, 0)), begun.answer(c, (0, 0)))
    second = said("r2", begun.answer(b, (1, 1)), begun.answer(c))
    found = carry(first, second)
    weights = marks_of(begun, found)
    assert set(weights) == {a, b}
    assert (weights[a][0][0], weights[b][0][0], weights[b][1][1]) == (1, 0, 1)
    assert told(begun, found) == [(1, 1, 0, 0), (2, 1, 0, 0)]
    assert begun.work.load_json(found, "asked") == sorted([a, b, c])


def test_images_that_are_gone_or_have_another_label_are_left_out_and_counted(begun, said, carry):
    a, b = begun.digests[:2]
    answers = (begun.answer(a, (0, 0)), begun.answer(b, (0, 0)), begun.answer("e" * 64, (0, 0)))
    found = carry(said("r1", *answers, labels={b: "something else"}))
    assert set(marks_of(begun, found)) == {a}
    assert told(begun, found) == [(1, 1, 1, 1)]
    assert (found.facts["gone"], found.facts["relabelled"]) == (1, 1)
    # Its question is another one now, so it is asked.
    assert begun.work.load_json(found, "asked") == [a]


def test_cells_of_images_that_were_made_square_otherwise_are_left_out(begun, said, carry):
    a = begun.digests[0]
    review = said("r1", begun.answer(a, (0, 0)))
    now = begun.basis.training.resize
    (other,) = {"crop", "squash"} - {now}
    for then, n_marked in ((None, 1), (now, 1), (other, 0)):
        found = carry(review.model_copy(update={"resize": then}))
        assert len(marks_of(begun, found)) == n_marked
        (row,) = begun.work.load_json(found, "reviews")
        assert (row["n_images"], row["n_reshaped"]) == (n_marked, 1 - n_marked)
        # What those cells covered is asked about anew.
        assert begun.work.load_json(found, "asked") == [a] * n_marked


def test_who_skipped_an_image_or_found_it_unclear_replaces_nothing(begun, said, carry):
    a, b = begun.digests[:2]
    first = said("r1", begun.answer(a, (0, 0)))
    second = said("r2", begun.answer(a, flags=("skip",)), begun.answer(b, flags=("unclear",)))
    found = carry(first, second)
    assert set(marks_of(begun, found)) == {a}
    assert begun.work.load_json(found, "asked") == [a]
    assert [one["image"] for one in begun.work.load_json(found, "queue")] == [b]


def test_a_flagged_image_stays_in_the_queue_and_is_not_trained_on(begun, said, carry):
    a = begun.digests[0]
    found = carry(said("r1", begun.answer(a, (0, 0), flags=("label_suspect",))))
    assert marks_of(begun, found) == {}
    assert told(begun, found) == [(1, 0, 0, 0)]
    assert begun.work.load_json(found, "queue")[0]["flags"] == "label_suspect"


def test_marks_of_another_grid_become_those_of_this_one_by_area(begun, said, carry):
    a = begun.digests[0]
    finer = begun.answer(
        a, (0, 0), (0, 1), (7, 7), grid=Grid(g=8, h=64, w=64), shown=((0, 0), (0, 1), (7, 7))
    )
    weights = marks_of(begun, carry(said("r1", finer)))[a]
    assert (weights[0][0], weights[3][3]) == (0.5, 0.25)
    assert sum(map(sum, weights)) == 0.75


def test_what_should_matter_is_left_out_where_the_penalty_cannot_act_on_it(begun, said, carry):
    a = begun.digests[0]
    both = begun.answer(a, cells=(MarkedCell(r=0, c=0), MarkedCell(r=1, c=1, w=-1.0)))
    weights = marks_of(begun, carry(said("r1", both)))[a]
    assert (weights[0][0], weights[1][1]) == (1, 0)
    allowed = marks_of(begun, carry(said("r1", both), allow_important=True))[a]
    assert (allowed[0][0], allowed[1][1]) == (1, -1)


@pytest.fixture
def begin(begun):
    office, _ = decide_pair()

    def run(run_id="run", model="resnet18", policy=PAIR, seed=0, settings=None):
        return find_beginning(
            SimpleNamespace(objects=office.store),
            basis=begun.basis,
            settings=settings or begun.channel,
            seed=seed,
            run_id=run_id,
            model=model,
            policies=(policy,),
        )

    run.office = office
    return run


def test_a_run_starts_from_approved_reviews_of_its_model_by_a_policy_that_it_takes(begin):
    (found,) = begin("one").earlier
    assert found.request_id == begin.office.bundle.request_id
    assert found.labels == dict.fromkeys(DIGESTS.values(), "ship")
    assert [marks.image for marks in found.said.agreed] == [
        DIGESTS[name] for name in ("ship.png", "tank.png", "jet.png")
    ]
    assert begin("two", model="another").earlier == []
    assert begin("three", policy=single_policy()).earlier == []


def test_a_run_that_goes_on_does_not_start_from_what_was_said_meanwhile(begin):
    before = begin("one")
    decide_pair(office=begin.office, epoch=2, n_candidates=7)
    assert begin("one") == before
    later = begin("two")
    assert [one.request_id for one in later.earlier[:1]] == [before.earlier[0].request_id]
    assert len(later.earlier) == 2
    assert later.origin != before.origin


def test_a_run_made_again_finds_its_own_reviews_and_starts_as_it_did(begin):
    first = begin("one")
    decide_pair(office=begin.office, origin=first.origin)
    assert begin("two") == first
    # Other data, weights or questions make another run, which takes up all that was said.
    assert len(begin("three", seed=1).earlier) == 2


def test_a_promotion_hides_nothing_of_who_said_what(begin):
    before = begin("one")
    request_id = begin.office.bundle.request_id
    approved = load_decision(begin.office.store, request_id)
    promoted = record_transition(begin.office.store, request_id, ReviewState.PROMOTED)
    assert begin("two") == before
    assert set(before.earlier[0].said.by_reviewer) == {"ada", "bob"}
    # As for the run itself when it is made again.
    assert said_in(begin.office.store, promoted) == said_in(begin.office.store, approved)
    assert said_in(begin.office.store, promoted) == before.earlier[0].said


def test_what_changes_no_question_changes_no_beginning(begun, begin):
    def changed(**parts):
        return begin(str(parts), settings=begun.channel.model_copy(update=parts)).origin

    sampling, origin = begun.channel.sampling, begin("one").origin
    for alike in (
        {"seeds": 7},
        {"sampling": sampling.model_copy(update={"rounds": 1, "waiting": "async"})},
    ):
        assert changed(**alike) == origin
    for other in (
        {"sampling": sampling.model_copy(update={"n_images": 9})},
        {"agreement": AgreementParams(min_share=1.0)},
        {"carry_over": CarryOverParams(ask_again=True)},
        # From nothing, it is another beginning.
        {"carry_over": CarryOverParams(enabled=False)},
    ):
        assert changed(**other) != origin


def test_an_answer_of_this_run_takes_the_place_of_an_earlier_review(begun, said, carry):
    a, b = begun.digests[:2]
    before = carry(said("r1", begun.answer(a, (0, 0)), begun.answer(b, (0, 0))))
    found = bank_feedback.fn(
        begun.fresh(),
        basis=begun.basis,
        before=before,
        said=[Said(agreed=read_marks([begun.answer(a, (1, 0))]))],
        params=begun.channel,
    )
    assert marks_of(begun, found)[a][1][0] == 1
    assert [one["image"] for one in entries_of(begun.work, found, "carried")] == [b]
    assert found.facts["carried_images"] == 1
    assert found.facts["clicks"] == 1


@pytest.mark.parametrize(("cells", "is_doubted"), [(4, True), (8, False)])
def test_only_marks_on_the_same_squares_are_compared_with_earlier_ones(
    begun, said, carry, cells, is_doubted
):
    a = begun.digests[0]
    earlier = begun.answer(a, (3, 3), grid=Grid(g=cells, h=64, w=64), shown=((3, 3),))
    found = bank_feedback.fn(
        begun.fresh(),
        basis=begun.basis,
        before=carry(said("r1", earlier)),
        said=[Said(agreed=read_marks([begun.answer(a, (0, 0))]))],
        params=begun.channel,
    )
    doubts = [str(one["doubts"]) for one in entries_of(begun.work, found, "doubts")]
    assert any("unlike_earlier" in doubt for doubt in doubts) == is_doubted
