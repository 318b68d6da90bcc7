"""The image itself: its attribution, and the squares that are clicked."""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from dash import dcc, html
from dash.development.base_component import Component

from feedback.channels.saliency_grid import cell_edges
from feedback.channels.saliency_grid.evidence import ImageEvidence
from review.panels.saliency_grid.draft import Cell, ImageDraft
from review.panels.saliency_grid.parts import SquaresShown, seen
from review.panels.saliency_grid.responses import cell_name, ranks_of
from review.parts import button
from review.pieces import Marks

IRRELEVANT: Final = "marked as irrelevant"
IMPORTANT: Final = "marked as important"
VEIL: Final = "veil"
"""Id of the slider that says how strong the overlay is."""

_KEYS: Final = "1234567890"
_COARSE: Final = 14
"""Up to so many cells per side a rank fits into its square."""


def stage(shown: SquaresShown, image: ImageEvidence) -> Component:
    """Show an image with every cell of its grid as a button; those that are shown have a rank.

    Args:
        shown: The request.
        image: The image.

    Returns:
        The same whatever was marked: marks are shown in place.
    """
    ranks = ranks_of(image)
    # Tab comes to the square that matters most, and arrows lead on from it.
    first = next(iter(ranks), (0, 0))

    def square(cell: Cell) -> Component:
        return _square(shown, image, cell, ranks.get(cell), is_first=cell == first)

    return stage_of(shown, image, square)


def stage_of(
    shown: SquaresShown, image: ImageEvidence, square: Callable[[Cell], Component]
) -> Component:
    """Show an image with something over every cell of its grid.

    Args:
        shown: The request.
        image: The image.
        square: Makes what stands over a cell.
    """
    grid = shown.evidence.grid
    squares = [square((r, c)) for r in range(grid.g) for c in range(grid.g)]
    return html.Div(
        html.Div(
            [
                *seen(shown, image),
                html.Div(
                    squares,
                    className="cells",
                    role="group",
                    style={
                        "gridTemplateRows": _tracks(grid.h, grid.g),
                        "gridTemplateColumns": _tracks(grid.w, grid.g),
                    },
                    **{
                        "aria-label": f"Squares of {image.name}",
                        "data-columns": str(grid.g),
                        "data-from": "anywhere",
                    },
                ),
            ],
            className="stage fine" if grid.g > _COARSE else "stage",
            style={"--cells": str(grid.g), "--ratio": f"{grid.w / grid.h:.4f}"},
        ),
        className="stage-frame",
    )


def stage_tools() -> Component:
    """Show how strong the overlay is, and what hides all but the image; nothing asks the server."""
    return html.Div(
        [
            html.Label(
                [
                    html.Span("Overlay"),
                    dcc.Input(
                        id=VEIL, type="range", min=0, max=100, step=5, value=60,
                        persistence=True, persistence_type="session", debounce=False,
                    ),
                ],
                className="veil-tool",
            ),
            _switch("Image only", "bare", "o"),
            _switch("Larger", "zoom", "z"),
        ],
        className="stage-tools",
    )  # fmt: skip


def asked(shown: SquaresShown) -> Component:
    """Say what a click means."""
    told: list[Component | str] = [
        html.Span(className="key irrelevant"),
        "Click what should not matter",
    ]
    if shown.evidence.allow_important:
        told += ["; click again for ", html.Span(className="key important"), "what should"]
    return html.P([*told, "."], className="asked")


def cell_marks(image: ImageEvidence, said: ImageDraft) -> Marks:
    """Tell how an image's cells are marked."""
    states = {
        _mark(image, cell): state
        for state, cells in ((IRRELEVANT, said.irrelevant), (IMPORTANT, said.important))
        for cell in cells
    }
    return Marks([*states], states=states)


def _square(
    shown: SquaresShown, image: ImageEvidence, cell: Cell, rank: int | None, *, is_first: bool
) -> Component:
    r, c = cell
    turn = {"kind": "cell", "item": image.image, "r": r, "c": c}
    important = shown.evidence.allow_important
    return button(
        None if rank is None else html.Span(str(rank), className="rank"),
        turn,
        name=cell_name(cell) if rank is None else f"{cell_name(cell)}, rank {rank}",
        mark=_mark(image, cell),
        key="" if rank is None or rank > len(_KEYS) else _KEYS[rank - 1],
        turns=(IRRELEVANT, IMPORTANT) if important else (IRRELEVANT,),
        shifted={**turn, "important": True} if important else None,
        # At the left edge there is no room beside it.
        className=f"square{'' if rank is None else ' ranked'}{'' if c else ' leftmost'}",
        tabIndex="0" if is_first else "-1",
    )


def _mark(image: ImageEvidence, cell: Cell) -> str:
    # Of one image alone: the next one is shown before its marks are known.
    return f"{image.image[:12]} {cell[0]} {cell[1]}"


def _tracks(length: int, cells: int) -> str:
    """Write the sizes of rows or columns, which may differ by one pixel of the image."""
    return " ".join(f"{end - start}fr" for start, end in pairwise(cell_edges(length, cells)))


def _switch(label: str, name: str, key: str) -> Component:
    attributes = {"data-switch": name, "data-key": key, "aria-pressed": "false"}
    return html.Button([label, html.Kbd(key)], type="button", className="soft", **attributes)
