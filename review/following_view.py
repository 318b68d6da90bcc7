"""A follow-up request: what was said of the evidence before, and what a reviewer goes on from."""

from collections.abc import Mapping, Sequence

from dash import html
from dash.development.base_component import Component

from feedback.channel import load_feedback_channel
from feedback.fields import JsonObject
from feedback.follow_up import FollowUp, Voice
from feedback.states import ReviewState
from review.draft import Draft, ItemDraft
from review.parts import button, plural
from review.pieces import Line
from review.shown import AnyShown

ENDED = {
    ReviewState.CHANGES_REQUESTED: "ended with a call for changes",
    ReviewState.PARTIAL: "was approved in part: its reviewers contradict each other",
    ReviewState.STALE: "was approved too late: another version had become champion",
}
"""How the request before ended, by its state."""

VERDICTS = {"approve": "approved", "reject": "rejected", "request_changes": "asked for changes"}
"""What a reviewer did, by the verdict."""

_LISTED = 8


def follow_name(number: int) -> str:
    """Name a follow-up by its number."""
    return f"follow-up {number}"


def banner(shown: AnyShown) -> Component | None:
    """Say that a request follows another one; None when it does not.

    Args:
        shown: The request.

    Returns:
        A sentence or two, with the way to the request before.
    """
    follows = shown.bundle.follows
    if follows is None:
        return None
    start = (
        "Nothing is proposed to start from."
        if not shown.proposals
        else f"Your draft starts from what was said of {_items(shown)}; nothing of it counts until "
        "you send it."
    )
    return html.P(
        [
            html.Strong(f"{follow_name(follows.number).capitalize()}. "),
            html.A("The request before", href=f"/requests/{follows.request_id}"),
            f" {_ended(follows)}. {start}",
        ],
        className="banner follow-banner",
    )


def _ended(follows: FollowUp) -> str:
    if follows.by_rule and follows.state is ReviewState.STALE:
        return (
            "was approved by rule, by no person, and too late: another version had become champion"
        )
    return ENDED.get(follows.state, "ended")


def said_before(shown: AnyShown, draft: Draft[ItemDraft] | None) -> list[Component]:
    """Tell what each reviewer answered before, where they disagree, and what is proposed.

    Args:
        shown: The request.
        draft: What the reviewer says now; None where nobody can, and nothing is offered.

    Returns:
        A section of the overview; none for a request that follows no other.
    """
    follows = shown.bundle.follows
    if follows is None:
        return []
    parts: list[Component] = [html.H3("What was said before")]
    if follows.state is ReviewState.STALE:
        parts.append(
            html.P(
                "Below, “Since the champion” compares with the version that is champion now. "
                "Where the same edits have been trained already, approving them again only tries "
                "the promotion once more; else they are trained then.",
                className="quiet",
            )
        )
    if follows.by_rule:
        told = (
            "No person approved it: a policy's rule did, since nobody answered. This follow-up is "
            "for people to answer."
        )
        parts.append(html.P(told))
    parts.append(html.Ul([_voice(voice) for voice in follows.said], className="voices"))
    if not follows.said:
        parts.append(html.P(follows.reason, className="quiet"))
    if follows.conflicts:
        named = [shown.titles.get(target, target) for target in follows.conflicts]
        more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
        told = f"Edited differently, so not proposed: {', '.join(named[:_LISTED])}{more}."
        parts.append(html.P(told, className="warning conflicts"))
    lost = len(follows.proposed) - len(shown.proposals)
    if lost:
        told = f"{plural(lost, 'answer')} of the request before cannot be gone on from here."
        parts.append(html.P(told, className="quiet"))
    if shown.proposals:
        parts += _proposed(shown, draft)
    return [html.Section(parts, className="before", **{"aria-label": "What was said before"})]


def proposal_note(shown: AnyShown, item: str, said: ItemDraft) -> Component | None:
    """Say on an item's own page that its draft started from a proposal, and offer the other way.

    Args:
        shown: The request.
        item: The item.
        said: What the reviewer says of it now.

    Returns:
        A line with a button; None when nothing was proposed of it.
    """
    if item not in shown.proposals:
        return None
    return html.P(
        [
            html.Strong("Proposed from the request before"),
            _badge(shown, item, said),
            html.Span(f"“{shown.proposals[item].comment}”", className="quiet")
            if shown.proposals[item].comment
            else "",
            _turn(shown, item, said),
        ],
        className="proposal-note",
    )


def proposal_lines(shown: AnyShown, item: str) -> Component:
    """List what is proposed of an item, with the remark that came with it."""
    proposal = shown.proposals[item]
    lines: Sequence[Line] = [*shown.panel.told(item, proposal, shown.evidence)]
    if proposal.comment:
        lines = [*lines, Line("remark", proposal.comment)]
    return html.Ul([html.Li(_told(line)) for line in lines])


def is_as_proposed(shown: AnyShown, item: str, said: ItemDraft) -> bool:
    """Tell whether a draft does to an item what was proposed, whatever the remarks."""
    proposal = shown.proposals.get(item)
    if proposal is None or not said.speaks:
        return False
    return said == proposal or _content(shown, item, said) == _content(shown, item, proposal)


def _items(shown: AnyShown) -> str:
    words, count = shown.panel.WORDS, len(shown.proposals)
    return f"1 {words.item}" if count == 1 else f"{count} {words.items}"


def _voice(voice: Voice) -> Component:
    return html.Li(
        [
            html.Strong(voice.reviewer),
            html.Span(VERDICTS[voice.verdict], className=f"badge voice-{voice.verdict}"),
            html.Q(voice.comment) if voice.comment else "",
        ]
    )


def _proposed(shown: AnyShown, draft: Draft[ItemDraft] | None) -> list[Component]:
    said = {item: shown.said(draft, item) if draft else None for item in shown.proposals}
    entries = [_entry(shown, item, now) for item, now in said.items()]
    head = html.Div(
        [html.H4("Proposed to go on from"), *(_all(shown, said) if draft else [])],
        className="section-head",
    )
    listed = html.Ul(entries[:_LISTED], className="proposals")
    if len(entries) <= _LISTED:
        return [head, listed]
    rest = html.Ul(entries[_LISTED:], className="proposals")
    more = html.Summary(f"{len(entries) - _LISTED} more")
    return [head, listed, html.Details([more, rest], className="closed")]


def _all(shown: AnyShown, said: Mapping[str, ItemDraft | None]) -> list[Component]:
    """Make the buttons that take all proposals back or over."""
    found = [(item, now) for item, now in said.items() if now is not None]
    taken = [item for item, now in found if now.speaks]
    out = [item for item, now in found if not is_as_proposed(shown, item, now)]
    return [
        button(
            "Take all back",
            [{"kind": "reset", "item": item} for item in taken],
            className="plain",
            disabled=not taken,
        ),
        button(
            "Take all over",
            [{"kind": "take_proposed", "item": item} for item in out],
            className="plain",
            disabled=not out,
        ),
    ]


def _entry(shown: AnyShown, item: str, said: ItemDraft | None) -> Component:
    return html.Li(
        [
            button(shown.titles[item], {"kind": "look", "item": item}, className="link"),
            proposal_lines(shown, item),
            *([] if said is None else [_badge(shown, item, said), _turn(shown, item, said)]),
        ]
    )


def _told(line: Line) -> list[Component | str]:
    why = html.Span(f" — {line.reason}", className="quiet") if line.reason else ""
    return [line.told, why]


def _badge(shown: AnyShown, item: str, said: ItemDraft) -> Component:
    if is_as_proposed(shown, item, said):
        return html.Span("in your draft", className="badge changed")
    return html.Span("changed by you" if said.speaks else "taken back", className="badge")


def _turn(shown: AnyShown, item: str, said: ItemDraft) -> Component:
    is_in = is_as_proposed(shown, item, said)
    label, kind = ("Take back", "reset") if is_in else ("Take over", "take_proposed")
    return button(
        label,
        {"kind": kind, "item": item},
        name=f"{label} what was proposed of {shown.titles[item]}",
        className="plain" if is_in else "soft",
    )


def _content(shown: AnyShown, item: str, said: ItemDraft) -> bytes:
    response = shown.panel.response_of(item, said, shown.evidence)
    dumped: JsonObject = response.model_dump(mode="json", by_alias=True)
    return load_feedback_channel(shown.bundle.channel).edit_of(dumped).content
