"""A draft as an answer in the reviewer's inbox, the only thing that the page ever writes there."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from feedback.attention import check_attention
from feedback.document import FeedbackDocument
from feedback.errors import ClosedRequestError, ContradictionError, MalformedDocumentError
from feedback.inbox import check_upload, submit
from feedback.signing import sign_document
from feedback.upload import SignedDocument
from review.actions import Verdict
from review.desk import Desk
from review.draft import Draft, ItemDraft
from review.editing import responses_of
from review.settings import PageSettings
from review.shown import AnyShown

MOST_CHARACTERS = 4000
"""Longest comment of an answer, with the remarks on items that no response carries."""


@dataclass(frozen=True)
class Sent:
    """An answer that was handed in.

    Attributes:
        key: Where it lies.
        nonce: Its one-time name.
        warnings: What the gate will warn of.
    """

    key: str
    nonce: str
    warnings: tuple[str, ...]


def write_document(
    shown: AnyShown,
    draft: Draft[ItemDraft],
    verdict: Verdict,
    *,
    reviewer: str,
    nonce: str,
    now: datetime,
    seconds_spent: float | None = None,
    seconds_by_item: Mapping[str, float] = MappingProxyType({}),
) -> FeedbackDocument:
    """Write the answer that a draft amounts to.

    Args:
        shown: The request.
        draft: What the reviewer said.
        verdict: How they answer.
        reviewer: Who answers.
        nonce: One-time name of the answer.
        now: When.
        seconds_spent: How long they looked.
        seconds_by_item: How long at each item that they opened.

    Returns:
        The document; a rejection carries remarks but no edits.

    Raises:
        MalformedDocumentError: If the comment is too long with the remarks that go into it.
        ContradictionError: If a rejection or a call for changes gives no reason.
    """
    # Pairs, for items may have one title.
    remarks = [
        (shown.titles[item], said.comment)
        for item, said in draft.items.items()
        if item in shown.titles and said.comment and (verdict == "reject" or not said.speaks)
    ]
    joined = (f"{title}: {remark}" for title, remark in remarks)
    comment = "\n".join(filter(None, [draft.comment.strip(), *joined]))
    if len(comment) > MOST_CHARACTERS:
        titles = ", ".join(title for title, _ in remarks)
        named = f" with the remarks on {titles}, which go into it" if remarks else ""
        raise MalformedDocumentError(
            f"expected a comment of at most {MOST_CHARACTERS} characters{named} (got "
            f"{len(comment)}, {len(comment) - MOST_CHARACTERS} too many); shorten them"
        )
    responses = () if verdict == "reject" else responses_of(draft, shown)
    if verdict == "reject" and not comment:
        raise ContradictionError(
            "expected a reason with a rejection (got an empty comment); say in the comment what "
            "is wrong: these words stand in the run's report"
        )
    if verdict == "request_changes" and not (comment or responses):
        raise ContradictionError(
            "expected a comment or edits with a call for changes (got none); say what to change: "
            "it stands in the run's report, and in the follow-up if the run asks again"
        )
    return FeedbackDocument(
        request_id=shown.bundle.request_id,
        bundle_sha256=shown.digest,
        channel=shown.bundle.channel,
        reviewer=reviewer,
        nonce=nonce,
        verdict=verdict,
        responses=tuple(edit.model_dump(mode="json", by_alias=True) for edit in responses),
        comment=comment,
        created_at=now,
        seconds_spent=seconds_spent,
        seconds_by_item=dict(seconds_by_item) or None,
    )


def hand_in(
    desk: Desk,
    shown: AnyShown,
    draft: Draft[ItemDraft],
    verdict: Verdict,
    *,
    settings: PageSettings,
    reviewer: str,
    now: datetime,
    seconds_spent: float | None = None,
    seconds_by_item: Mapping[str, float] = MappingProxyType({}),
) -> Sent:
    """Put the answer into the reviewer's inbox, signed with the page's key when it has one.

    Args:
        desk: Where the request lies.
        shown: The request.
        draft: What the reviewer said.
        verdict: How they answer.
        settings: How the page is served.
        reviewer: Who answers.
        now: When.
        seconds_spent: How long they looked.
        seconds_by_item: How long at each item that they opened.

    Returns:
        What was handed in.

    Raises:
        FeedbackError: If the request takes nothing more, or the answer would be refused.
        StoreError: If the store cannot be written.
    """
    standing = desk.standing(shown, reviewer, now)
    if not standing.takes_answers:
        # The page is not to go on offering what was refused just now.
        desk.look_again()
        raise ClosedRequestError(
            f"expected an open request (got one that is closed). {standing.why}"
        )
    nonce = f"page-{secrets.token_hex(12)}"
    document = write_document(
        shown, draft, verdict,
        reviewer=reviewer, nonce=nonce, now=now, seconds_spent=seconds_spent,
        seconds_by_item=seconds_by_item,
    )  # fmt: skip
    data = document.to_json()
    if settings.key is not None:
        signature = sign_document(
            document, settings.key, signed_at=now, attested_by=settings.page_name
        )
        data = SignedDocument(document=document, signature=signature).to_json()
    checked = check_upload(shown.bundle, data, reviewer=reviewer)
    check_attention(shown.bundle, document, desk.policy)
    key = submit(desk.store, document.request_id, reviewer, nonce, data)
    desk.look_again()
    return Sent(key, nonce, checked.warnings)
