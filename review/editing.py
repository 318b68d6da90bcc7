"""The draft's reducer: ``apply(draft, action, evidence)`` returns the next draft, or refuses.

Pure: no clock, no store, nothing changed in place. Whatever it returns is an answer that the gate
takes, since every step is judged by the rules that uploads are judged by.
"""

from collections.abc import Iterable

from pydantic import ValidationError

from feedback.channels.concept_graph.evidence import ClassEvidence, GraphEvidence
from feedback.channels.concept_graph.validation import check_edits
from feedback.errors import ContradictionError, MalformedDocumentError, UnknownTargetError
from review.actions import (
    Confirm,
    EditAction,
    Redo,
    Remark,
    ReplaceConceptAction,
    ResetClass,
    SetComment,
    SetConfidence,
    SetEdge,
    SetReason,
    Undo,
)
from review.draft import (
    MAX_STEPS,
    ClassDraft,
    Draft,
    EdgeEdit,
    SlotEdit,
    Step,
    edit_of_class,
    edits_of,
)


def apply(draft: Draft, action: EditAction, evidence: GraphEvidence) -> Draft:
    """Return the draft after an action.

    Args:
        draft: The draft so far.
        action: What the reviewer did.
        evidence: What is shown.

    Returns:
        The next draft; the same one when the action changes nothing.

    Raises:
        FeedbackError: If the result would not be a valid answer, or there is nothing to undo.
    """
    if isinstance(action, SetComment):
        return draft.model_copy(update={"comment": action.text})
    if isinstance(action, Undo):
        if not draft.past:
            raise ContradictionError("expected a step to undo (got none); edit something first")
        *past, step = draft.past
        changed = _with(draft, step.class_name, step.before)
        update = {"past": tuple(past), "future": (*draft.future, step)[-MAX_STEPS:]}
        return _checked(changed.model_copy(update=update), step.class_name, evidence)
    if isinstance(action, Redo):
        if not draft.future:
            raise ContradictionError("expected a step to redo (got none); undo something first")
        *future, step = draft.future
        changed = _with(draft, step.class_name, step.after)
        update = {"past": (*draft.past, step)[-MAX_STEPS:], "future": tuple(future)}
        return _checked(changed.model_copy(update=update), step.class_name, evidence)
    shown = class_shown(evidence, action.class_name)
    before = draft.of(action.class_name)
    after = _edited(before, action, shown)
    if after == before:
        return draft
    step = Step(class_name=action.class_name, before=before, after=after)
    changed = _with(draft, action.class_name, after)
    update = {"past": (*draft.past, step)[-MAX_STEPS:], "future": ()}
    return _checked(changed.model_copy(update=update), action.class_name, evidence)


def warnings_of(draft: Draft, evidence: GraphEvidence) -> tuple[str, ...]:
    """Return what the gate would warn of, one sentence each."""
    return check_edits(evidence, edits_of(draft, evidence), verdict="approve")


def class_shown(evidence: GraphEvidence, name: str) -> ClassEvidence:
    """Return a class as it is shown.

    Raises:
        UnknownTargetError: If it is not shown.
    """
    for shown in evidence.classes:
        if shown.class_name == name:
            return shown
    raise UnknownTargetError(
        f"expected a class of this request (got {name[:80]!r}); choose one from the list"
    )


def _edited(said: ClassDraft, action: EditAction, shown: ClassEvidence) -> ClassDraft:
    if isinstance(action, ReplaceConceptAction):
        return _replaced(said, action, shown)
    if isinstance(action, SetEdge):
        return _connected(said, action, shown)
    if isinstance(action, SetReason):
        return _explained(said, action)
    if isinstance(action, Remark):
        return said.model_copy(update={"comment": action.text})
    if isinstance(action, SetConfidence):
        # The same level again takes it back.
        level = None if said.confidence == action.level else action.level
        return said.model_copy(update={"confidence": level})
    if isinstance(action, Confirm):
        if said.n_edits:
            raise ContradictionError(
                f"expected a graph without edits to be called right (got {said.n_edits} edits); "
                "undo them, or leave them to speak for themselves"
            )
        return said.model_copy(update={"confirmed": not said.confirmed})
    if isinstance(action, ResetClass):
        return ClassDraft()
    raise TypeError(f"expected an edit of a class (got {type(action).__name__})")


def _replaced(said: ClassDraft, action: ReplaceConceptAction, shown: ClassEvidence) -> ClassDraft:
    if action.slot >= len(shown.slots):
        raise UnknownTargetError(
            f"expected a slot from 0 to {len(shown.slots) - 1} (got {action.slot}); correct it"
        )
    earlier = said.concept_in(action.slot)
    others = [edit for edit in said.concepts if edit.slot != action.slot]
    if action.to != shown.slots[action.slot]:
        reason = earlier.reason if earlier else ""
        others.append(SlotEdit(slot=action.slot, to=action.to, reason=reason))
    concepts = tuple(sorted(others, key=lambda edit: edit.slot))
    return said.model_copy(update={"concepts": concepts, "confirmed": False})


def _connected(said: ClassDraft, action: SetEdge, shown: ClassEvidence) -> ClassDraft:
    states = {(edge.src, edge.dst): edge.state for edge in shown.edges}
    ways = [(action.src, action.dst)]
    if action.both_ways:
        ways.append((action.dst, action.src))
    edges = {(edit.src, edit.dst): edit for edit in said.edges}
    for way in ways:
        if way not in states:
            raise UnknownTargetError(
                f"expected an edge between two slots (got {way[0]} to {way[1]}); choose another"
            )
        earlier = edges.pop(way, None)
        if action.state == "as_shown" or action.state == states[way]:
            continue
        reason = earlier.reason if earlier else ""
        edges[way] = EdgeEdit(src=way[0], dst=way[1], state=action.state, reason=reason)
    ordered = tuple(edges[way] for way in sorted(edges))
    return said.model_copy(update={"edges": ordered, "confirmed": said.confirmed and not ordered})


def _explained(said: ClassDraft, action: SetReason) -> ClassDraft:
    if action.dst is None:
        if said.concept_in(action.src) is None:
            raise UnknownTargetError(
                f"expected a replaced concept in slot {action.src} (got none); replace it first"
            )
        concepts = tuple(
            edit.model_copy(update={"reason": action.text}) if edit.slot == action.src else edit
            for edit in said.concepts
        )
        return said.model_copy(update={"concepts": concepts})
    if said.edge_between(action.src, action.dst) is None:
        raise UnknownTargetError(
            f"expected an edited edge {action.src} to {action.dst} (got none); edit it first"
        )
    edges = tuple(
        edit.model_copy(update={"reason": action.text})
        if (edit.src, edit.dst) == (action.src, action.dst)
        else edit
        for edit in said.edges
    )
    return said.model_copy(update={"edges": edges})


def _with(draft: Draft, class_name: str, said: ClassDraft) -> Draft:
    classes = dict(draft.classes)
    classes.pop(class_name, None)
    if said != ClassDraft():
        classes[class_name] = said
    return draft.model_copy(update={"classes": _sorted(classes.items())})


def _sorted(items: Iterable[tuple[str, ClassDraft]]) -> dict[str, ClassDraft]:
    return dict(sorted(items))


def _checked(draft: Draft, class_name: str, evidence: GraphEvidence) -> Draft:
    shown, said = class_shown(evidence, class_name), draft.of(class_name)
    try:
        edit = edit_of_class(shown, said)
    except ValidationError as error:
        raise MalformedDocumentError(
            f"expected at most 64 edits of one class (got {said.n_edits}); hand in fewer at once"
        ) from error
    check_edits(evidence, [edit], verdict="approve")
    return draft
