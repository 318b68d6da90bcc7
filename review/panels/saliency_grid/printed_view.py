"""One image on a page without a server: its squares to turn, and what else may be the matter."""

from typing import Final

from dash import html
from dash.development.base_component import Component

from feedback.channels.saliency_grid import Flag
from feedback.channels.saliency_grid.evidence import ImageEvidence
from feedback.channels.saliency_grid.marks import EXCLUDES_CELLS
from review.offline.choices import assent, choice, remark, tick, turn
from review.panels.saliency_grid.draft import Cell
from review.panels.saliency_grid.editing import image_shown
from review.panels.saliency_grid.image_view import (
    answers_section,
    explanation_section,
    image_head,
)
from review.panels.saliency_grid.parts import SquaresShown
from review.panels.saliency_grid.responses import FLAGS, cell_name, ranks_of
from review.panels.saliency_grid.stage_view import asked, stage_of
from review.panels.saliency_grid.verdict_view import ARTEFACTS, HINTS

_ALONE: Final[dict[Flag, tuple[str, ...]]] = {
    flag: ("cells", "flags") if flag == "skip" else ("cells",) for flag in EXCLUDES_CELLS
}
"""Lists of an answer in which a flag allows nothing beside it; the gate refuses it there."""


def printed(shown: SquaresShown, item: str) -> list[Component]:
    """Show an image without a mark on it, and let squares be marked.

    Args:
        shown: The request.
        item: Digest of the image.

    Returns:
        What the page shows of it, without what only a server can do.
    """
    image = image_shown(shown.evidence, item)
    ranks = ranks_of(image)

    def square(cell: Cell) -> Component:
        return _square(shown, image, cell, ranks.get(cell))

    ranked = [f"{rank}: {cell_name(cell)}" for cell, rank in ranks.items()]
    flags = [
        tick(
            item, flag, [told, html.Span(f" {HINTS[flag]}", className="quiet")], into="flags",
            name=told, alone=_ALONE.get(flag, ()),
        )
        for flag, told in FLAGS.items()
    ]  # fmt: skip
    return [
        image_head(shown, image),
        html.Div(
            [
                html.Div([stage_of(shown, image, square), asked(shown)], className="looked-at"),
                html.Div(
                    [answers_section(shown, image), explanation_section(shown, image)],
                    className="beside",
                ),
            ],
            className="image-row",
        ),
        html.Details(
            [html.Summary("The squares by rank"), html.P(" · ".join(ranked), className="quiet")],
            className="closed",
        ),
        html.Section(
            [
                html.H3(f"What else you say of {image.name}"),
                assent(item, "Looks where it should"),
                html.Div(flags, className="flags"),
                choice(
                    item, [(name, name) for name in ARTEFACTS], field="artefact",
                    name=f"What the artefact in {image.name} is", nothing="which artefact?",
                    beside=("flags", "artefact"),
                ),
                remark(item, "Remark on this image"),
            ],
            className="said",
        ),
    ]  # fmt: skip


def _square(shown: SquaresShown, image: ImageEvidence, cell: Cell, rank: int | None) -> Component:
    r, c = cell
    weights = (1.0, -1.0) if shown.evidence.allow_important else (1.0,)
    return turn(
        image.image,
        [{"r": r, "c": c, "w": weight} for weight in weights],
        None if rank is None else html.Span(str(rank), className="rank"),
        into="cells",
        name=f"{cell_name(cell)} of {image.name}{'' if rank is None else f', rank {rank}'}",
        css=f"square{'' if rank is None else ' ranked'}{'' if c else ' leftmost'}",
    )
