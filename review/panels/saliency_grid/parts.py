"""Small parts that the views of squares are made of."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from dash import html
from dash.development.base_component import Component

from feedback.channels.saliency_grid import cell_edges
from feedback.channels.saliency_grid.evidence import ImageEvidence, SaliencyEvidence
from feedback.channels.saliency_grid.marks import Grid
from review.panels.saliency_grid.draft import Cell
from review.parts import picture
from review.shown import Shown

SquaresShown: TypeAlias = Shown[SaliencyEvidence]
"""A request of this channel."""

_EXPLAINERS: Final = {
    "deeplift": "DeepLIFT",
    "integrated_gradients": "integrated gradients",
    "grad_cam": "Grad-CAM",
    "input_gradients": "input gradients",
}
_FAILURES: Final = {
    "all_zero": "the attribution is zero everywhere",
    "not_finite": "the attribution holds values that are no numbers",
    "incomplete": "the attributions do not add up to what they should explain",
}


def seen(shown: SquaresShown, image: ImageEvidence, *, size: str = "") -> list[Component]:
    """Show an image with its attribution over it, as strong as the reviewer has chosen."""
    return [
        picture(shown, image.file, image.name, css=f"image {size}"),
        picture(shown, image.overlay, "", css=f"veil {size}"),
    ]


def outlined(cells: Sequence[Cell], grid: Grid) -> list[Component]:
    """Outline cells of a small picture; nothing in it can be pressed."""
    rows, columns = cell_edges(grid.h, grid.g), cell_edges(grid.w, grid.g)
    return [
        html.Span(
            className="outline",
            style={
                "left": f"{columns[c] / grid.w:.2%}",
                "top": f"{rows[r] / grid.h:.2%}",
                "width": f"{(columns[c + 1] - columns[c]) / grid.w:.2%}",
                "height": f"{(rows[r + 1] - rows[r]) / grid.h:.2%}",
            },
        )
        for r, c in cells
    ]


def explainer_name(evidence: SaliencyEvidence) -> str:
    """Call the explainer by the name that its authors gave it."""
    return _EXPLAINERS[evidence.explainer.name]


def failure_told(image: ImageEvidence) -> str:
    """Say why an explanation is not to be trusted; empty when it is."""
    if image.failure is None:
        return ""
    return f"This explanation failed: {_FAILURES[image.failure]}. Its squares may say nothing."


def is_mistake(image: ImageEvidence) -> bool:
    """Tell whether the network contradicts the image's label."""
    return image.true_class is not None and image.true_class != image.predicted_class
