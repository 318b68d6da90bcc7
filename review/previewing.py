"""The page's side of a preview: it asks through the store and shows what a worker answers."""

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from feedback.errors import ClosedRequestError, ContradictionError, ParleyError
from feedback.fields import JsonObject
from feedback.previews import Preview, PreviewRequest, edits_digest, load_preview, request_preview
from review.desk import Desk
from review.draft import Draft, ItemDraft
from review.editing import responses_of
from review.parts import button
from review.shown import AnyShown
from review.viewing import View

PATIENCE = 30.0
"""Seconds after which the page says that no worker answers."""

GIVES_UP = 600.0
"""Seconds after which it stops looking."""


def _responses(shown: AnyShown, draft: Draft[ItemDraft]) -> tuple[JsonObject, ...]:
    if not shown.panel.WORDS.previews:
        return ()
    edits = responses_of(draft, shown, edits_only=True)
    return tuple(edit.model_dump(mode="json", by_alias=True) for edit in edits)


def ask_preview(
    desk: Desk, shown: AnyShown, draft: Draft[ItemDraft], *, reviewer: str, now: datetime
) -> str:
    """Ask a worker what the draft would do.

    Args:
        desk: Where the request lies.
        shown: The request.
        draft: The edits.
        reviewer: Who asks, in whose inbox the question is put.
        now: When.

    Returns:
        Digest of the edits.

    Raises:
        FeedbackError: If there are no edits, or the request is closed.
        StoreError: If the store cannot be written.
    """
    standing = desk.standing(shown, reviewer, now)
    if not standing.takes_answers:
        raise ClosedRequestError(f"expected an open request (got a closed one). {standing.why}")
    responses = _responses(shown, draft)
    if not responses:
        raise ContradictionError("expected edits to preview (got none); edit something first")
    question = PreviewRequest(
        request_id=shown.bundle.request_id,
        bundle_sha256=shown.digest,
        channel=shown.bundle.channel,
        reviewer=reviewer,
        responses=responses,
        created_at=now,
    )
    return request_preview(desk.store, shown.bundle, question)


def preview_view(
    desk: Desk, shown: AnyShown, draft: Draft[ItemDraft], view: View, now: float
) -> tuple[Component, bool]:
    """Show what is known of the draft's effect.

    Args:
        desk: Where the request lies.
        shown: The request.
        draft: The edits.
        view: What was asked for, and when.
        now: Seconds since 1970.

    Returns:
        The component, and whether the page should look again.
    """
    responses = _responses(shown, draft)
    if not responses:
        return html.Span(), False
    ask = button("Preview the effect", {"kind": "preview"}, className="soft", id="preview")
    digest = edits_digest(shown.bundle.channel, shown.digest, responses)
    try:
        found = load_preview(desk.store, shown.bundle.request_id, shown.digest, digest)
    except ParleyError as error:
        return _box([html.P(str(error), className="warning"), ask]), False
    asked = view.preview == digest
    if found is not None and found.failed:
        # Both by the page's clock: a worker on another host has another.
        answers = found.asked_at is None or found.asked_at.timestamp() >= view.asked_at
        if not asked or answers:
            again = button("Try again", {"kind": "preview"}, className="soft", id="preview")
            return _box([*_told(shown, found), again]), False
    elif found is not None:
        return _box(_told(shown, found)), False
    elif not asked:
        return _box([ask]), False
    waited = now - view.asked_at
    if waited < PATIENCE:
        return _box([html.P("A worker is asked what the edits would do…", role="status")]), True
    told = (
        f"No worker has answered for {waited:.0f} seconds. You can send your answer without a "
        "preview; the correction is measured in any case before anything is promoted."
    )
    return _box([html.P(told, className="warning", role="status")]), waited < GIVES_UP


def _told(shown: AnyShown, found: Preview) -> list[Component]:
    if found.failed:
        return [html.P(f"The preview failed: {found.failed}", className="warning")]
    return [*shown.panel.effect_told(found)]


def _box(content: list[Component]) -> Component:
    return html.Section([html.H3("Preview"), *content], className="preview")
