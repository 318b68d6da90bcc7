"""Marks that are probably not what the reviewer wanted.

H,W pixels · G cells per side. Next to what the exchange warns of on its own, marks are compared
with the dataset's foreground masks, which reviewers do not see.
"""

from typing import Literal

import torch
from torch import Tensor

from feedback.channels.saliency_grid.marks import CellMarks
from feedback.channels.saliency_grid.suspicion import is_everything_marked, marked_area
from models.imageset import object_weight
from models.saliency_grid.grid import cell_means

Suspicion = Literal["all_shown_marked", "large_area", "on_object"]


def suspicions(
    marks: CellMarks, *, max_area: float, mask: Tensor | None = None
) -> tuple[Suspicion, ...]:
    """Name what is doubtful about a reviewer's marks on an image.

    ``all_shown_marked``: every cell that was shown is called irrelevant. ``large_area``: more than
    ``max_area`` of the image is. ``on_object``: most of what is called irrelevant is object.

    Args:
        marks: The answer.
        max_area: Share of the image, in [0, 1].
        mask: Foreground mask (H, W), uint8 (see ``imageset``); None or all zero when there is none.

    Returns:
        What is doubtful; empty when nothing is.
    """
    found: list[Suspicion] = []
    if is_everything_marked(marks):
        found.append("all_shown_marked")
    if marked_area(marks) > max_area:
        found.append("large_area")
    if mask is not None and bool((mask != 0).any()):
        shares = object_shares(mask[None], marks.grid.g)[0]
        on_object = [float(shares[cell.r, cell.c]) for cell in marks.cells if cell.w > 0]
        if on_object and sum(on_object) / len(on_object) > 0.5:
            found.append("on_object")
    return tuple(found)


def object_shares(masks: Tensor, cells: int) -> Tensor:
    """Return how much of each cell is object.

    Args:
        masks: Foreground masks (B, H, W), uint8: ``OBJECT``, ``BACKGROUND``, ``BORDER`` (counts
            half), or all 0 for an image without a mask.
        cells: G.

    Returns:
        Shares (B, G, G), float32, in [0, 1]; NaN for an image without a mask.
    """
    has_mask = (masks != 0).flatten(1).any(dim=1)[:, None, None]
    return torch.where(has_mask, cell_means(object_weight(masks), cells), torch.nan)
