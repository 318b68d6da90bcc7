"""Which edges of distrusted concepts can go without leaving any concept of the graph alone."""

from collections import Counter
from collections.abc import Mapping

Edge = tuple[int, int]


def cut_edges(
    strength: Mapping[Edge, float], distrusted: frozenset[int], *, limit: int
) -> tuple[Edge, ...]:
    """Choose edges of distrusted slots to remove, the strongest first.

    An edge stays when it is the last one, in either direction, of a slot at one of its ends; as
    strong edges go first, what stays has the least influence.

    Args:
        strength: Size of the contribution of every edge that is in the graph now, by
            (source, target).
        distrusted: Slots whose edges should go.
        limit: Most edges to remove.

    Returns:
        Edges to remove, by source then target.
    """
    degree = Counter(slot for edge in strength for slot in edge)
    wanted = [edge for edge in strength if distrusted & set(edge)]
    cuts: list[Edge] = []
    for edge in sorted(wanted, key=lambda e: (-strength[e], e)):
        if len(cuts) >= limit:
            break
        if all(degree[slot] > 1 for slot in edge):
            degree.subtract(edge)
            cuts.append(edge)
    return tuple(sorted(cuts))
