"""Parts of a page that stands alone from which its script writes the answer, for any channel.

A response is the one that the panel makes of an empty draft. A choice adds a value to one of its
lists (``into``), or sets one of its fields (``set``), or is a whole response in their place
(``whole``). It may bring another value with it (``beside``), or bear nothing else in some lists
(``alone``). ``answer.js`` knows no more than that.
"""

import json
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component
from pydantic import JsonValue

from review.pieces import Content, Ready

_REASON = 500
"""Most characters of a reason."""


def choice(
    item: str,
    options: Sequence[tuple[str, JsonValue]],
    *,
    name: str,
    into: str = "",
    field: str = "",
    why: str = "",
    nothing: str = "–",
    beside: tuple[str, JsonValue] | None = None,
) -> Component:
    """Make a list to choose one value from, or none.

    Args:
        item: Item that is spoken of.
        options: Words and values.
        name: What a screen reader says.
        into: List of the response that the value is added to.
        field: Or: field of the response that it is put into.
        why: Field of the value that the reason for it is put into; empty asks for none.
        nothing: What stands for no value.
        beside: List of the response and value that goes there with any choice.
    """
    where = {"data-into": into} if into else {"data-set": field}
    if beside is not None:
        where["data-beside"] = _json([*beside])
    entries = [html.Option(nothing, value="")]
    entries += [html.Option(told, value=_json(value)) for told, value in options]
    asked = html.Select(entries, **{"data-item": item, "aria-label": name}, **where)
    if not why:
        return asked
    # Seen beside a chosen value alone.
    attributes = {"type": "text", "data-why": why, "maxLength": str(_REASON), "placeholder": "why?",
                  "aria-label": f"Why: {name}"}  # fmt: skip
    return html.Span([asked, Ready([["input", attributes, []]])], className="reasoned")


def tick(
    item: str,
    value: JsonValue,
    told: Content,
    *,
    into: str,
    name: str = "",
    alone: Sequence[str] = (),
) -> Component:
    """Make a box that adds a value to a list of the response.

    Args:
        item: Item that is spoken of.
        value: What is added.
        told: Words beside the box.
        into: List of the response.
        name: What a complaint calls it.
        alone: Lists of the response in which nothing else may stand beside it.
    """
    attributes = {"type": "checkbox", "data-item": item, "data-into": into, "value": _json(value)}
    if alone:
        attributes |= {"data-alone": _json([*alone]), "data-name": name}
    box = ["input", attributes, []]
    return html.Label([Ready([box]), html.Span(told)], className="tick")


def assent(item: str, told: str) -> Component:
    """Make a box that says that the item is right as it is shown."""
    box = ["input", {"type": "checkbox", "data-item": item, "data-says": "true"}, []]
    return html.Label([Ready([box]), html.Span(told)], className="tick")


def whole(item: str, response: JsonValue, told: str) -> Component:
    """Make a box, ticked at first, that makes a response the item's; choices do not count then."""
    box = ["input", {"type": "checkbox", "data-item": item, "data-whole": "true",
                     "value": _json(response), "checked": True}, []]  # fmt: skip
    return html.Label([Ready([box]), html.Span(told)], className="tick")


def turn(
    item: str, values: Sequence[JsonValue], content: Content, *, into: str, name: str, css: str
) -> Component:
    """Make a button whose presses lead through values, and back to none; it adds the last one."""
    return html.Button(
        content,
        type="button",
        className=css,
        **{
            "data-item": item,
            "data-into": into,
            "data-turns": _json(list(values)),
            "data-turn": "0",
            "aria-label": name,
            "aria-pressed": "false",
        },
    )


def remark(item: str, told: str, *, limit: int = 500) -> Component:
    """Make a field for a remark, which goes into the response, or the comment where there is none.

    Args:
        item: Item that is spoken of.
        told: What is asked.
        limit: Most characters.
    """
    area = html.Textarea(
        "", rows="2", maxLength=str(limit), **{"data-item": item, "data-remark": "true"}
    )
    return html.Label([html.Span(told), area], className="field")


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
