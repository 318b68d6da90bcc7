"""Content of a place as plain JSON, from which ``assets/drawing.js`` makes elements.

Dash tells every component of a page of every change, and there are hundreds on the page of a
request; so its places are filled past Dash. Text becomes text nodes: nothing is read as HTML.
"""

from collections.abc import Iterator
from typing import TypeAlias

from dash import html
from dash.development.base_component import Component

from review.pieces import Content, Ready

Described: TypeAlias = list[object]
"""A tree: texts, and elements as ``[tag, properties, children]``."""

_HTML = html.Div._namespace
_BARRED = frozenset({"Script", "Iframe", "Embed", "ObjectEl", "Base", "Link", "Meta", "Form"})
_OF_DASH = frozenset({"children", "n_clicks", "n_clicks_timestamp", "disable_n_clicks"})


def describe(content: Content) -> Described:
    """Describe content that is made of ``dash.html``.

    Args:
        content: Components and texts.

    Returns:
        Their description.

    Raises:
        TypeError: If something in it is none of these; it belongs into a ``live_place``.
    """
    return [*_described(content)]


def _described(content: object) -> Iterator[object]:
    if content is None:
        return
    if isinstance(content, Component):
        if content._namespace != _HTML or content._type in _BARRED:
            raise TypeError(
                f"expected elements of dash.html (got {content._type}); put it into a live_place"
            )
        props = content.to_plotly_json()["props"]
        kept = {
            name: value
            for name, value in props.items()
            if name not in _OF_DASH and value is not None and value is not False
        }
        yield [content._type.lower(), kept, describe(props.get("children"))]
    elif isinstance(content, Ready):
        yield from content.described
    elif isinstance(content, str | int | float):
        yield str(content)
    elif isinstance(content, list | tuple):
        for part in content:
            yield from _described(part)
    else:
        raise TypeError(f"expected elements and texts (got {type(content).__name__})")
