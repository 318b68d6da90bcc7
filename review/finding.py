"""Finding what the browser names among what is shown."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from feedback.errors import UnknownTargetError

Item = TypeVar("Item")


def find_item(shown: Iterable[Item], name_of: Callable[[Item], str], name: str, kind: str) -> Item:
    """Return the item of a name.

    Args:
        shown: What is shown.
        name_of: Tells an item's name.
        name: What the browser asks for.
        kind: Such as ``a class``.

    Raises:
        UnknownTargetError: If nothing of that name is shown.
    """
    for item in shown:
        if name_of(item) == name:
            return item
    raise UnknownTargetError(
        f"expected {kind} of this request (got {name[:80]!r}); choose one from the list"
    )
