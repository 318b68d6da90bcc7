"""Small parts that all views are made of. Text is always text: nothing is ever read as HTML."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import ConceptCard
from review.desk import Shown
from review.pictures import picture_url

Content: TypeAlias = "Component | str | Sequence[Component | str]"


class _LazyImg(html.Img):
    """An image that is loaded when it comes into sight; Dash passes the attribute on untouched."""

    def to_plotly_json(self) -> dict[str, object]:
        described: dict[str, object] = super().to_plotly_json()
        props = described["props"]
        if isinstance(props, dict):
            # Dash's own Img takes no such argument.
            props["loading"] = "lazy"
        return described


def button(
    content: Content, action: Mapping[str, object] | Sequence[Mapping[str, object]], *,
    name: str = "", pressed: bool | None = None, mark: str = "", **props: object,
) -> Component:  # fmt: skip
    """Make a button that sends an action; ``assets/actions.js`` does the sending.

    Args:
        content: What it shows.
        action: Message, see ``review/actions.py``, or several in their order.
        name: What a screen reader says, where the content does not.
        pressed: Whether it is switched on; None for a button that is no switch.
        mark: Name by which ``assets/marks.js`` shows that it is selected, without drawing anew
            what stands around it.
        **props: Further properties of the component.

    Returns:
        The button.
    """
    attributes: dict[str, object] = {"data-action": json.dumps(action, ensure_ascii=False)}
    if name:
        attributes["aria-label"] = name
        attributes["title"] = name
    if mark:
        attributes["data-mark"] = mark
    if pressed is not None:
        attributes["aria-pressed"] = "true" if pressed else "false"
    return html.Button(content, type="button", **attributes, **props)


def picture(
    shown: Shown, name: str, text: str, *, size: int | None = None, css: str = ""
) -> Component:
    """Make a picture of the bundle that is loaded when it comes into sight.

    Args:
        shown: The request.
        name: File of its bundle.
        text: What a screen reader says.
        size: Width and height, pixels; None leaves it to the style sheet.
        css: Class name.

    Returns:
        The picture.
    """
    sizes = {} if size is None else {"width": str(size), "height": str(size)}
    return _LazyImg(src=picture_url(shown, name), alt=text, className=css, **sizes)


def exemplar(shown: Shown, card: ConceptCard, index: int = 0, *, css: str = "crop") -> Component:
    """Make the picture of a concept's n-th typical segment, or an empty frame."""
    if index >= len(card.exemplars):
        return html.Span("no picture", className=f"{css} none")
    return picture(
        shown,
        card.exemplars[index].file,
        f"{short(card.concept_id)}, example {index + 1} from {card.exemplars[index].image}",
        css=css,
    )


def short(concept_id: str) -> str:
    """Return a concept's name without its class."""
    return concept_id.rsplit("/", 1)[-1]


def percent(share: float | None) -> str:
    """Write a share."""
    return "–" if share is None else f"{share:.0%}"


def signed(number: float) -> str:
    """Write a contribution with its sign."""
    return f"{number:+.2f}".replace("-", "−")


def interval(card: ConceptCard) -> Component:
    """Draw a concept's TCAV score with its interval on a line from 0 to 1."""
    if card.tcav_score is None:
        return html.Span("not tested", className="quiet")
    low = card.tcav_low if card.tcav_low is not None else card.tcav_score
    high = card.tcav_high if card.tcav_high is not None else card.tcav_score
    told = f"TCAV {card.tcav_score:.2f}, 95% interval {low:.2f} to {high:.2f}"
    return html.Span(
        [
            html.Span(
                className="interval-span",
                style={"left": f"{low:.1%}", "width": f"{max(high - low, 0.02):.1%}"},
            ),
            html.Span(className="interval-dot", style={"left": f"{card.tcav_score:.1%}"}),
        ],
        className="interval",
        title=told,
        role="img",
        **{"aria-label": told},
    )


def fact(label: str, value: Content, *, note: str = "", tone: str = "") -> Component:
    """Show one number with its name."""
    parts: list[Component | str] = [
        html.Dt(label),
        html.Dd(value, className=tone),
    ]
    if note:
        parts.append(html.Dd(note, className="quiet"))
    return html.Div(parts, className="fact")


def span_of(seconds: float) -> str:
    """Write a span of time in its largest unit that fits, e.g. ``3 days``."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(abs(seconds) // length)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def due(closes_at: datetime | None, now: datetime) -> str:
    """Write how long a request can be answered."""
    if closes_at is None:
        return "no deadline"
    left = (closes_at - now).total_seconds()
    return f"{span_of(left)} left" if left > 0 else f"closed {span_of(left)} ago"


def plural(count: int, noun: str) -> str:
    """Write a count of things."""
    return f"{count} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"
