"""How far the reviewers of one image agree, and which of its marks are trained on."""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from feedback.channels.saliency_grid import CellMarks, is_abstention, join_marks
from models.saliency_grid.params import AgreementParams

Cell = tuple[int, int]


class Agreed(NamedTuple):
    """What several reviewers' answers on an image come to."""

    answer: CellMarks
    """Marks that are trained on."""
    found: dict[str, JsonValue]
    """How far they agree; empty where one reviewer alone said something."""


def agree(agreed: CellMarks, said: Mapping[str, CellMarks], params: AgreementParams) -> Agreed:
    """Compare the reviewers of an image, and leave out cells that too few of them marked.

    Contradicted cells are left out by the decision already. Where somebody ruled, the ruling stands
    as it is, and is only compared.

    Args:
        agreed: The answer that goes on.
        said: Every approver's own answer on the image, by name.
        params: How many must mark a cell, and how little agreement is doubted.
    """
    import torch

    from models.saliency_grid.agreement import compare_all

    voices = {name: answer for name, answer in said.items() if not is_abstention(answer)}
    if agreed not in voices.values() and agreed in said.values():
        # It abstains; what the others said goes on by itself.
        return Agreed(agreed, {})
    given = [_weights(answer) for answer in voices.values()]
    cells = sorted({cell for own in given for cell in own}.union(*(a.shown for a in said.values())))
    if len(voices) < 2 or not cells:
        return Agreed(agreed, {})
    weights = torch.tensor([[own.get(cell, 0.0) for cell in cells] for own in given])
    compared = compare_all(weights)
    shares = {
        cell: float(weights[:, at].sign().sum().abs()) / len(voices)
        for at, cell in enumerate(cells)
    }
    is_ruled = _weights(agreed) != _weights(join_marks(list(voices.values())))
    kept = tuple(
        cell for cell in agreed.cells if is_ruled or shares[cell.r, cell.c] >= params.min_share
    )
    trained_on = {(cell.r, cell.c) for cell in kept}
    return Agreed(
        agreed.model_copy(update={"cells": kept}),
        {
            "reviewers": list(voices),
            "overlap": round(compared.overlap, 6),
            "kappa": None if compared.kappa is None else round(compared.kappa, 6),
            "contradicted": [[*cells[at]] for at in compared.contradicted],
            "left_out": [
                [*cell] for cell in sorted({c for own in given for c in own} - trained_on)
            ],
            "is_low": compared.overlap < params.flag_below,
        },
    )


def _weights(answer: CellMarks) -> dict[Cell, float]:
    return {(cell.r, cell.c): cell.w for cell in answer.cells}
