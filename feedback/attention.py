"""Whether an approval took as long as its policy asks for.

The times are what the reviewer's own program says. Whoever wants to can write others, so this keeps
people from their own haste; against malice there are keys, quorums and vetoes.
"""

from collections.abc import Collection, Mapping, Sequence

from feedback.bundle import ReviewBundle
from feedback.channel import load_feedback_channel
from feedback.document import FeedbackDocument
from feedback.errors import HasteError
from feedback.policy import Policy
from feedback.policy_options import Attention

_TOLD = 5


def check_attention(bundle: ReviewBundle, document: FeedbackDocument, policy: Policy) -> None:
    """Refuse an approval that was given in haste; objections are never refused for it.

    Args:
        bundle: The request.
        document: A valid answer to it.
        policy: The rule.

    Raises:
        HasteError: If it says too short a time, or none; it names what is missing.
    """
    rule = policy.attention
    if rule is None or document.verdict != "approve":
        return
    lacking = missing_attention(
        rule,
        {item.id: item.title for item in bundle.items},
        items_of(document.channel, document.responses),
        document.seconds_spent,
        document.seconds_by_item or {},
    )
    if lacking:
        raise HasteError(
            f"expected an approval that took its time, as the policy {policy.name!r} asks (got "
            f"too little: {'; '.join(lacking)}); look again and hand it in once more. An answer "
            "written by hand says how long it took in seconds_spent and seconds_by_item"
        )


def items_of(channel: str, responses: Sequence[Mapping[str, object]]) -> frozenset[str]:
    """Return the items that valid responses of a channel are about."""
    edit_of = load_feedback_channel(channel).edit_of
    return frozenset(edit_of(dict(response)).item for response in responses)  # type: ignore[arg-type]


def missing_attention(
    rule: Attention,
    titles: Mapping[str, str],
    answered: Collection[str],
    seconds_spent: float | None,
    seconds_by_item: Mapping[str, float],
) -> tuple[str, ...]:
    """Tell what an approval lacks.

    Args:
        rule: What the policy asks.
        titles: Headings of the request's items, by id.
        answered: Items that the answer is about.
        seconds_spent: On the whole request; None where nobody measured, which is too little.
        seconds_by_item: On each item; one that is left out was not opened.

    Returns:
        One phrase per thing that is missing; empty when nothing is.
    """
    lacking = []
    if rule.seconds and (seconds_spent is None or seconds_spent < rule.seconds):
        found = "an unknown time" if seconds_spent is None else f"{seconds_spent:.0f} s"
        lacking.append(f"{found} on the request instead of {rule.seconds:g} s")
    if rule.seconds_per_item:
        asked = [item for item in titles if rule.items == "all" or item in answered]
        short = [item for item in asked if seconds_by_item.get(item, 0.0) < rule.seconds_per_item]
        for item in short[:_TOLD]:
            found = f"{seconds_by_item[item]:.0f} s" if item in seconds_by_item else "not opened"
            lacking.append(f"{titles[item]}: {found} instead of {rule.seconds_per_item:g} s")
        if len(short) > _TOLD:
            lacking.append(f"{len(short) - _TOLD} more of them")
    return tuple(lacking)
