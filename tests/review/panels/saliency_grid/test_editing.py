import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from feedback.channels.saliency_grid.validation import check_marks
from feedback.errors import (
    ContradictionError,
    FeedbackError,
    MalformedDocumentError,
    UnknownTargetError,
)
from review.actions import ItemAction
from review.draft import Draft, read_draft
from review.editing import apply, responses_of
from review.panels.saliency_grid import ImageDraft
from review.shown import AnyShown
from tests.feedback.memory import MemoryStore
from tests.review.conftest import edited, read
from tests.saliency_request import JET, SHIP, TANK, publish_squares


def cell(r: int, c: int, item: str = SHIP, **fields: object) -> dict[str, object]:
    return {"kind": "cell", "item": item, "r": r, "c": c, **fields}


def flag(name: str, item: str = SHIP) -> dict[str, object]:
    return {"kind": "flag", "item": item, "flag": name}


def artefact(text: str, item: str = SHIP) -> dict[str, object]:
    return {"kind": "artefact", "item": item, "text": text}


CONFIRM = {"kind": "confirm", "item": SHIP}


def said_after(shown: AnyShown, *messages: object) -> ImageDraft:
    said = shown.said(edited(shown, *messages), SHIP)
    assert isinstance(said, ImageDraft)
    return said


items = st.sampled_from([SHIP, TANK, JET, "f" * 64])
positions = st.integers(0, 7)
messages = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("cell"),
            "item": items,
            "r": positions,
            "c": positions,
            "important": st.booleans(),
        }
    ),
    st.builds(
        flag,
        st.sampled_from(["label_suspect", "unclear", "unusable", "artefact", "skip"]),
        items,
    ),
    st.builds(artefact, st.sampled_from(["", "hair"]), items),
    st.fixed_dictionaries({"kind": st.sampled_from(["confirm", "reset"]), "item": items}),
    st.fixed_dictionaries({"kind": st.just("remark"), "item": items, "text": st.text(max_size=9)}),
    st.fixed_dictionaries({"kind": st.sampled_from(["undo", "redo"])}),
)


@given(st.lists(messages, max_size=25), st.booleans())
def test_whatever_is_done_the_gate_takes_it_and_every_step_can_be_undone(
    done: list[dict[str, object]], allow_important: bool
) -> None:
    shown = _shown(allow_important=allow_important)
    draft: Draft = shown.empty_draft()
    for message in done:
        try:
            after = apply(draft, read(shown, message), shown)  # type: ignore[arg-type]
        except FeedbackError:
            continue
        check_marks(shown.evidence, responses_of(after, shown), verdict="approve")
        if len(after.past) == len(draft.past) + 1 and message["kind"] != "redo":
            undone = apply(after, read(shown, {"kind": "undo"}), shown)  # type: ignore[arg-type]
            assert undone.items == draft.items
        assert read_draft(after.model_dump(mode="json"), ImageDraft, shown.digest) == after
        draft = after
    while draft.past:
        draft = apply(draft, read(shown, {"kind": "undo"}), shown)  # type: ignore[arg-type]
    assert not draft.items


def _shown(**changes: object) -> AnyShown:
    from review.panel import load_panel
    from review.shown import show

    return show(publish_squares(MemoryStore(), **changes), load_panel("saliency_grid"))


def test_a_click_marks_and_the_next_one_takes_it_back(squares: AnyShown) -> None:
    said = said_after(squares, cell(1, 6), cell(0, 6), cell(3, 3))
    assert said.irrelevant == ((0, 6), (1, 6), (3, 3))
    assert (said.n_edits, said.mark, said.speaks) == (3, "3", True)
    assert said_after(squares, cell(1, 6), cell(1, 6)) == ImageDraft()


def test_cells_that_were_not_shown_are_marked_as_well(squares: AnyShown) -> None:
    assert said_after(squares, cell(6, 0)).irrelevant == ((6, 0),)


def test_clicks_lead_through_both_marks_where_both_are_asked_for(squares_of) -> None:
    shown = squares_of(allow_important=True)
    states = [said_after(shown, *[cell(2, 2)] * n) for n in range(4)]
    assert [(said.irrelevant, said.important) for said in states] == [
        ((), ()), (((2, 2),), ()), ((), ((2, 2),)), ((), ()),
    ]  # fmt: skip


def test_shift_turns_the_second_mark_alone(squares_of) -> None:
    shown, other = squares_of(allow_important=True), cell(2, 2, important=True)
    assert said_after(shown, other).important == ((2, 2),)
    assert said_after(shown, cell(2, 2), other).important == ((2, 2),)
    assert said_after(shown, other, other) == ImageDraft()


@pytest.mark.parametrize(
    ("done", "kind"),
    [
        ([cell(0, 7)], UnknownTargetError),
        ([cell(7, 0)], UnknownTargetError),
        ([cell(0, 0, "f" * 64)], UnknownTargetError),
        ([flag("skip", "f" * 64)], UnknownTargetError),
        ([cell(0, 0, important=True)], ContradictionError),
        ([cell(0, 0), CONFIRM], ContradictionError),
        ([flag("unclear"), CONFIRM], ContradictionError),
    ],
)
def test_what_is_not_shown_or_contradicts_the_draft_is_refused(
    squares: AnyShown, done: list[object], kind: type[FeedbackError]
) -> None:
    *before, last = done
    draft = edited(squares, *before)
    with pytest.raises(kind, match=r"expected .* \(got .*\)"):
        edited(squares, last, draft=draft)


@pytest.mark.parametrize("name", ["skip", "unusable"])
def test_to_give_an_image_up_takes_its_marks_and_a_mark_takes_it_up_again(
    squares: AnyShown, name: str
) -> None:
    given_up = said_after(squares, cell(0, 6), flag(name))
    assert (given_up.n_marked, given_up.flags) == (0, (name,))
    again = said_after(squares, cell(0, 6), flag(name), cell(3, 3))
    assert (again.irrelevant, again.flags) == (((3, 3),), ())
    undone = said_after(squares, cell(0, 6), flag(name), {"kind": "undo"})
    assert undone.irrelevant == ((0, 6),)


def test_a_skipped_image_has_no_other_flag(squares: AnyShown) -> None:
    assert said_after(squares, flag("label_suspect"), artefact("hair"), flag("skip")) == (
        ImageDraft(flags=("skip",))
    )
    assert said_after(squares, flag("skip"), flag("unclear")).flags == ("unclear",)
    assert (ImageDraft(flags=("skip",)).n_edits, ImageDraft(flags=("skip",)).mark) == (0, "skipped")


def test_an_artefact_is_flagged_by_its_name_and_loses_it_with_the_flag(squares: AnyShown) -> None:
    named = said_after(squares, cell(0, 6), artefact("a ruler"))
    assert (named.flags, named.artefact, named.mark) == (("artefact",), "a ruler", "1 ⚑")
    assert said_after(squares, artefact("hair"), artefact("")).flags == ("artefact",)
    assert said_after(squares, artefact("hair"), flag("artefact")) == ImageDraft()


def test_an_image_that_is_right_counts_as_answered_until_it_is_marked(squares: AnyShown) -> None:
    said = said_after(squares, CONFIRM)
    assert (said.n_edits, said.speaks, said.mark) == (0, True, "✓")
    assert said_after(squares, CONFIRM, CONFIRM) == ImageDraft()
    assert not said_after(squares, CONFIRM, cell(0, 6)).confirmed
    assert not said_after(squares, CONFIRM, flag("skip")).confirmed


@pytest.mark.parametrize(
    "data",
    [
        {"irrelevant": [[0, 6], [0, 6]]},
        {"irrelevant": [[0, 6]], "important": [[0, 6]]},
        {"irrelevant": [[0, 28]]},
        {"irrelevant": [[0, 6]], "flags": ["skip"]},
        {"important": [[0, 6]], "flags": ["unusable"]},
        {"flags": ["skip", "unclear"]},
        {"flags": ["unclear", "unclear"]},
        {"artefact": "hair"},
        {"confirmed": True, "flags": ["unclear"]},
    ],
)
def test_a_damaged_draft_is_none(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ImageDraft.model_validate(data)
    digest = "a" * 64
    kept = {"bundle_sha256": digest, "items": {SHIP: data}}
    assert read_draft(kept, ImageDraft, digest) is None


def test_only_edits_of_images_are_applied(squares: AnyShown) -> None:
    with pytest.raises(TypeError, match="an edit of an image"):
        squares.panel.apply(ImageDraft(), ItemAction(item=SHIP), squares.evidence)


def test_the_time_on_an_image_goes_with_what_is_said_of_it(squares: AnyShown) -> None:
    said = said_after(squares, cell(0, 6, seconds=4.5), cell(1, 6, seconds=11))
    assert said.seconds_spent == 11
    # A page that was reloaded counts anew; what took longer stands.
    said = said_after(squares, cell(0, 6, seconds=11), flag("unclear") | {"seconds": 2})
    assert said.seconds_spent == 11
    draft = edited(squares, cell(0, 6, seconds=11), flag("skip", TANK))
    spent = {one.image: one.seconds_spent for one in responses_of(draft, squares)}
    assert spent == {SHIP: 11, TANK: None}


def test_what_is_taken_back_or_undone_leaves_no_time_behind(squares: AnyShown) -> None:
    assert said_after(squares, cell(0, 6, seconds=3), cell(0, 6, seconds=5)) == ImageDraft()
    undone = said_after(squares, cell(0, 6, seconds=3), cell(1, 6, seconds=5), {"kind": "undo"})
    assert (undone.n_marked, undone.seconds_spent) == (1, 3)
    # The same name again is no step, however long it took.
    named = edited(squares, artefact("hair") | {"seconds": 1}, artefact("hair") | {"seconds": 9})
    assert len(named.past) == 1


@pytest.mark.parametrize("seconds", [-1, 1e9, "3", float("nan")])
def test_a_time_that_no_browser_measures_is_refused(squares: AnyShown, seconds: object) -> None:
    with pytest.raises(MalformedDocumentError):
        read(squares, cell(0, 6, seconds=seconds))
