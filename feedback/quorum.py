"""Whether answers fill the places that a policy's roles have."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet


def open_places(
    places: Mapping[str, int], roles: Sequence[AbstractSet[str]]
) -> tuple[tuple[str, int], ...]:
    """Find the places that stay open when every reviewer fills one at most.

    A reviewer of two roles fills a place of either, not of both, and is put where it helps most
    (a maximum matching).

    Args:
        places: Reviewers wanted, by role.
        roles: Roles of each reviewer.

    Returns:
        (role, number) of what is still missing, by role; empty when the quorum is met.
    """
    wanted = [role for role in sorted(places) for _ in range(places[role])]
    taken_by: dict[int, int] = {}

    def place(place_index: int, tried: set[int]) -> bool:
        for reviewer, held in enumerate(roles):
            if wanted[place_index] in held and reviewer not in tried:
                tried.add(reviewer)
                if reviewer not in taken_by or place(taken_by[reviewer], tried):
                    taken_by[reviewer] = place_index
                    return True
        return False

    missing = Counter(wanted[index] for index in range(len(wanted)) if not place(index, set()))
    return tuple(sorted(missing.items()))
