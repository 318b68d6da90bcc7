"""Small parts that all views are made of. Text is always text: nothing is ever read as HTML."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from review.pictures import picture_url
from review.pieces import Content
from review.shown import AnyShown


class _LazyImg(html.Img):
    """An image that is loaded when it comes into sight."""

    def to_plotly_json(self) -> dict[str, object]:
        described: dict[str, object] = super().to_plotly_json()
        props = described["props"]
        if isinstance(props, dict):
            # Dash's own Img takes no such argument; it comes before the source, which loads.
            described["props"] = {"loading": "lazy", **props}
        return described


def button(
    content: Content, action: Mapping[str, object] | Sequence[Mapping[str, object]], *,
    name: str = "", pressed: bool | None = None, mark: str = "", key: str = "",
    turns: Sequence[str] = (), shifted: Mapping[str, object] | None = None, **props: object,
) -> Component:  # fmt: skip
    """Make a button that sends an action; ``assets/actions.js`` does the sending.

    Args:
        content: What it shows.
        action: Message, see ``review/actions.py`` and the panel's, or several in their order.
        name: What a screen reader says, where the content does not.
        pressed: Whether it is switched on; None for a button that is no switch.
        mark: Name by which ``assets/marks.js`` shows that it is selected, without drawing anew
            what stands around it.
        key: Key that presses it, see ``assets/shortcuts.js``.
        turns: States that presses lead through, see ``Marks.states``; the next one is shown at
            once, before the server has answered. Needs ``mark``.
        shifted: Message that is sent instead while Shift is held; it turns the last state.
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
    if key:
        attributes["data-key"] = key
    if turns:
        attributes["data-turns"] = "|".join(turns)
    if shifted is not None:
        attributes["data-shifted"] = json.dumps(shifted, ensure_ascii=False)
    if pressed is not None:
        attributes["aria-pressed"] = "true" if pressed else "false"
    return html.Button(content, type="button", **attributes, **props)


def picture(
    shown: AnyShown, name: str, text: str, *, size: int | None = None, css: str = ""
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


def field(
    label: str, text: str, action: Mapping[str, object], *, limit: int, rows: int = 2
) -> Component:
    """Make a field whose text is sent with an action when it is left.

    Args:
        label: What is asked.
        text: What was written so far.
        action: Message that lacks its ``text``.
        limit: Most characters.
        rows: Height, lines.

    Returns:
        The field.
    """
    attributes = {"data-field": json.dumps(action, ensure_ascii=False)}
    # A text that changed elsewhere, as by undo, makes a new field; React keeps an old one's text.
    return html.Label(
        [
            html.Span(label),
            html.Textarea(
                text, maxLength=str(limit), rows=str(rows), key=f"{label}{text}", **attributes
            ),
        ],
        className="field",
    )


def place(name: str, kind: Callable[..., Component] = html.Div, **props: object) -> Component:
    """Make a place of the page that is filled, and drawn anew where what it shows has changed.

    Args:
        name: Its name, by which ``parts_of`` fills it, with what ``dash.html`` has; unique on the
            page.
        kind: Component that it is made of.
        **props: Further properties of the component.

    Returns:
        The empty place.
    """
    return kind(**{"data-place": name}, **props)


def live_place(name: str) -> Component:
    """Make a place for components that only Dash can draw, which costs time at each edit.

    Args:
        name: Its name, by which ``parts_of`` fills it, with ``Keyed`` content; unique on the page.

    Returns:
        The empty place.
    """
    return place(name, id={"role": "live", "name": name})


def percent(share: float | None) -> str:
    """Write a share."""
    return "–" if share is None else f"{share:.0%}"


def signed(number: float) -> str:
    """Write a contribution with its sign."""
    return f"{number:+.2f}".replace("-", "−")


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
