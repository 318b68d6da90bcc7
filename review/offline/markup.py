"""Components as the text of a page that stands alone: no server, no script but its own, no network.

Everything is written by a list of what is allowed, so that what a panel shows, however hostile its
words, becomes text; and an address can only be a picture beside the page or a place in it.
"""

import json
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import TypeAlias

from review.describing import describe
from review.pieces import Content

Address: TypeAlias = Callable[[str], str | None]
"""Turns an address of the page into one of the folder; None for one that is not there."""

_TAGS = frozenset(
    re.findall(
        r"\w+",
        "a article aside button dd details div dl dt em fieldset figcaption figure footer form "
        "h1 h2 h3 h4 h5 header img input kbd label legend li main nav ol option p pre q section "
        "select span strong summary table tbody td textarea th thead tr ul "
        "svg g path polygon rect image text title",
    )
)
_VOID = frozenset({"img", "input"})
_NAMES = {"className": "class", "htmlFor": "for", "colSpan": "colspan", "tabIndex": "tabindex"}
_ATTRIBUTES = frozenset(
    re.findall(
        r"[\w-]+",
        "class for colspan tabindex role title alt width height loading scope open type value name "
        "rows maxlength placeholder checked selected id hidden "
        "viewBox d points x y fill stroke stroke-width stroke-dasharray opacity rx text-anchor "
        "font-size preserveAspectRatio",
    )
)
_DATA = re.compile(
    r"data-(alone|beside|channel|item|into|name|set|says|whole|turns|turn|remark|why|told|answer)"
    r"|aria-[a-z]+"
)
_ADDRESSES = {"img": "src", "image": "href"}
_STYLE_NAME = re.compile(r"--[a-z-]{1,30}|[a-z-]{1,40}")
# Numbers, lengths, lists of tracks: no name of a function that could fetch anything.
_STYLE_VALUE = re.compile(r"[0-9a-z .,%#-]{1,2000}")
OWN = "p-"
"""Ids of a page that stands alone start so; others belong to the page with a server."""


class Writer:
    """Writes content as HTML; ``rules`` are the styles that it came across."""

    def __init__(self, address: Address, places: Mapping[str, str]) -> None:
        """Begin a page.

        Args:
            address: Where pictures are.
            places: Id on this page of each item, to which buttons that look at it lead.
        """
        self._address, self._places = address, places
        self._styles: dict[str, str] = {}

    @property
    def rules(self) -> str:
        """Style sheet of the styles that elements had, so that none needs to stand in the page."""
        return "\n".join(f".{name}{{{rule}}}" for rule, name in self._styles.items())

    def write(self, content: Content) -> str:
        """Return the HTML of content.

        Raises:
            TypeError: If something in it is neither text nor an element that is allowed.
        """
        return "".join(self._written(part) for part in describe(content))

    def _written(self, part: object) -> str:
        if isinstance(part, str):
            return escape(part)
        resolved = self._resolved(part)
        if resolved is None:
            return ""
        tag, props, children = resolved
        if tag not in _TAGS:
            raise TypeError(f"expected an element of a page that stands alone (got {tag!r})")
        attributes = "".join(
            f' {name}="{escape(value)}"' for name, value in self._attributes(tag, props).items()
        )
        if tag in _VOID:
            return f"<{tag}{attributes}>"
        inner = "".join(self._written(child) for child in children)
        return f"<{tag}{attributes}>{inner}</{tag}>"

    def _resolved(self, part: object) -> tuple[str, dict[str, object], list[object]] | None:
        """Read an element; None for a button that would ask the server to do something.

        One that looks at an item leads to it, and one that looks at a part of it is no button.
        """
        if not (isinstance(part, list) and len(part) == 3):
            raise TypeError(f"expected a described element (got {type(part).__name__})")
        tag, props, children = part
        if tag != "button" or "data-action" not in props:
            return tag, dict(props), children
        action = json.loads(str(props["data-action"]))
        if not isinstance(action, dict) or action.get("kind") != "look":
            return None
        shown: dict[str, object] = {"className": f"card {props.get('className', '')}".strip()}
        place = self._places.get(action.get("item", ""))
        if place is None:
            return "span", shown, children
        return "a", {**shown, "href": f"#{place}"}, children

    def _attributes(self, tag: str, props: Mapping[str, object]) -> dict[str, str]:
        found: dict[str, str] = {}
        for given, value in props.items():
            name = _NAMES.get(given, given)
            if given == "maxLength":
                name = "maxlength"
            if name == "style" and isinstance(value, Mapping):
                styled = self._styled(value)
                found["class"] = f"{found.get('class', '')} {styled}".strip()
                if not found["class"]:
                    del found["class"]
            elif name == "class":
                found["class"] = f"{value} {found.get('class', '')}".strip()
            elif name == _ADDRESSES.get(tag):
                address = self._address(str(value))
                if address is not None:
                    found[name] = address
            elif name == "href" and tag == "a" and str(value).startswith(f"#{OWN}"):
                found[name] = str(value)
            elif name == "id" and not str(value).startswith(OWN):
                continue
            elif name in _ATTRIBUTES or _DATA.fullmatch(name):
                found[name] = "" if value is True else str(value)
        return found

    def _styled(self, style: Mapping[object, object]) -> str:
        rules = []
        for given, value in style.items():
            name = re.sub(r"[A-Z]", lambda found: f"-{found[0].lower()}", str(given))
            if _STYLE_NAME.fullmatch(name) and _STYLE_VALUE.fullmatch(str(value)):
                rules.append(f"{name}:{value}")
        rule = ";".join(rules)
        return self._styles.setdefault(rule, f"style{len(self._styles)}") if rule else ""
