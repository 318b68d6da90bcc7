"""What a panel hands to the page around it: words, and the pieces that it fills the page with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from dash.development.base_component import Component


@dataclass(frozen=True)
class Ready:
    """Content that is described already, see ``review.describing``; small parts are kept so."""

    described: Sequence[object]


Content: TypeAlias = Component | Ready | str | Sequence[Component | Ready | str] | None
"""Whatever can stand inside a part of the page."""


@dataclass(frozen=True)
class Words:
    """How the page speaks about a channel's items.

    Attributes:
        item: One item, such as ``class``.
        items: Several of them.
        unedited: What an answer without edits means, a clause.
        champion: What of the champion differs, such as ``the champion's graphs``.
        same: What is told where nothing differs, a sentence.
        is_batch: Whether every item waits for an answer: then the page tells how many have one,
            and leads on to the next that has none.
        previews: Whether a worker can compute what edits would do.
    """

    item: str
    items: str
    unedited: str
    champion: str
    same: str
    is_batch: bool = False
    previews: bool = True


class Shortcut(NamedTuple):
    """A line of the list of keys."""

    keys: str
    told: str


class Line(NamedTuple):
    """What was said about an item, as the answer's dialog tells it."""

    told: str
    reason: str = ""


class Glimpse(NamedTuple):
    """A request in short: what it is about, how far it can be believed, and when its run asks.

    ``when`` goes on from the number of the round, such as ``after 2 epochs``; empty where the
    number says it all.
    """

    heading: str
    told: str
    when: str = ""


@dataclass(frozen=True)
class Overview:
    """What a panel adds to the overview.

    Attributes:
        facts: Numbers of the whole request, beside those of model and dataset.
        earlier: What is shown as an earlier review left it, below what changed since the champion.
        sections: What is shown above who has answered.
        appendix: What is shown below.
    """

    facts: Sequence[Component] = ()
    earlier: Sequence[Component] = ()
    sections: Sequence[Component] = ()
    appendix: Sequence[Component] = ()


@dataclass(frozen=True)
class Marks:
    """How buttons stand, by their name (``data-mark``), without anything being drawn anew.

    Attributes:
        pressed: Buttons that are selected.
        barred: Buttons that are hidden.
        states: In words, what more is to be said of a button: it goes to ``data-state``, and is
            read out after the button's name.
    """

    pressed: Sequence[str] = ()
    barred: Sequence[str] = ()
    states: Mapping[str, str] = field(default_factory=dict)


class Follower(NamedTuple):
    """A component in a live place whose properties follow what is edited."""

    id: Mapping[str, str]
    props: Mapping[str, object]


@dataclass(frozen=True)
class Keyed:
    """Content that is made and drawn anew only when its key changes.

    Attributes:
        make: Makes the content.
        key: What the content depends on, in words.
        followers: What changes in place while the key stays; in live places only.
    """

    make: Callable[[], Content]
    key: str
    followers: Sequence[Follower] = ()


Places: TypeAlias = dict[str, Content | Keyed]
"""Content by the name of its place; places that show nothing now are left out."""
