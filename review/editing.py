"""The draft's reducer: ``apply(draft, action, shown)`` returns the next draft, or refuses.

Pure: no clock, no store, nothing changed in place. Whatever it returns is an answer that the gate
takes, since every step is judged by the rules that uploads are judged by.
"""

from feedback.errors import ContradictionError, UnknownTargetError
from feedback.fields import Exchanged
from review.actions import (
    EditAction,
    ItemAction,
    Redo,
    Remark,
    Reset,
    SetComment,
    TakeProposed,
    Undo,
)
from review.draft import MAX_STEPS, Draft, ItemDraft, step_of
from review.shown import AnyShown


def apply(draft: Draft[ItemDraft], action: EditAction, shown: AnyShown) -> Draft[ItemDraft]:
    """Return the draft after an action.

    Args:
        draft: The draft so far.
        action: What the reviewer did.
        shown: The request.

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
        update = {"past": tuple(past), "future": (*draft.future, step)[-MAX_STEPS:]}
        return _with(draft.model_copy(update=update), step.item, step.before, shown)
    if isinstance(action, Redo):
        if not draft.future:
            raise ContradictionError("expected a step to redo (got none); undo something first")
        *future, step = draft.future
        update = {"past": (*draft.past, step)[-MAX_STEPS:], "future": tuple(future)}
        return _with(draft.model_copy(update=update), step.item, step.after, shown)
    shown.check_item(action.item)
    before = shown.said(draft, action.item)
    after = _edited(before, action, shown)
    if after == before:
        return draft
    step = step_of(action.item, before, after)
    update = {"past": (*draft.past, step)[-MAX_STEPS:], "future": ()}
    return _with(draft.model_copy(update=update), action.item, after, shown)


def responses_of(
    draft: Draft[ItemDraft], shown: AnyShown, *, edits_only: bool = False
) -> tuple[Exchanged, ...]:
    """Return the draft as responses, in the bundle's order of items.

    Args:
        draft: What the reviewer said.
        shown: The request.
        edits_only: Whether responses that edit nothing are left out.

    Returns:
        Responses in the channel's schema.

    Raises:
        FeedbackError: If one would hold more than a response may.
    """
    said_of = ((item.id, shown.said(draft, item.id)) for item in shown.bundle.items)
    return tuple(
        shown.panel.response_of(item, said, shown.evidence)
        for item, said in said_of
        if (said.n_edits if edits_only else said.speaks)
    )


def warnings_of(draft: Draft[ItemDraft], shown: AnyShown) -> tuple[str, ...]:
    """Return what the gate would warn of, one sentence each."""
    return shown.panel.check(responses_of(draft, shown), shown.evidence)


def _edited(said: ItemDraft, action: ItemAction, shown: AnyShown) -> ItemDraft:
    if isinstance(action, Remark):
        return said.model_copy(update={"comment": action.text})
    if isinstance(action, Reset):
        return shown.panel.DRAFT()
    if isinstance(action, TakeProposed):
        if action.item not in shown.proposals:
            raise UnknownTargetError(
                f"expected an item with proposed edits (got {action.item[:80]!r}, which has none); "
                "edit it yourself"
            )
        return shown.proposals[action.item]
    return shown.panel.apply(said, action, shown.evidence)


def _with(
    draft: Draft[ItemDraft], item: str, said: ItemDraft, shown: AnyShown
) -> Draft[ItemDraft]:  # fmt: skip
    """Put what is said about an item into a draft, as far as the gate would take it."""
    shown.check_item(item)
    if said.speaks:
        response = shown.panel.response_of(item, said, shown.evidence)
        shown.panel.check([response], shown.evidence)
    items = {name: other for name, other in draft.items.items() if name != item}
    if said != shown.panel.DRAFT():
        items[item] = said
    return draft.model_copy(update={"items": dict(sorted(items.items()))})
