"""Marks of reviewers as a term of the training loss.

B batch · R images of the batch with marks · M marked images of the fit · G cells per side.
"""

import torch
from torch import Generator, Tensor

from models.classifier import Classifier
from models.saliency_grid.grid import paint_cells
from models.saliency_grid.params import PenaltyParams
from models.saliency_grid.penalty import reviewed_penalties
from models.saliency_grid.strength import penalty_strength, penalty_term


class MarkedImages:
    """The input-gradient penalty on marked images; a ``models.guidance.Guidance``.

    Args:
        positions: Positions of the marked images among those of the fit (M,), int64, distinct.
        weights: W of their cells (M, G, G), in [-1, 1].
        size: Height and width of the images, pixels.
        labels: Class indices of all images of the fit (I,), int64.
        params: Form, scalar, lambda and limit.
        strength: Lambda that was found before; None finds it on the first batch with marks.

    Attributes:
        strength: Lambda; None until there was a batch with marks.
    """

    def __init__(
        self,
        positions: Tensor,
        weights: Tensor,
        size: tuple[int, int],
        labels: Tensor,
        params: PenaltyParams,
        strength: float | None = None,
    ) -> None:
        n_distinct = len(set(positions.tolist()))
        if positions.shape != weights.shape[:1] or n_distinct != len(positions):
            raise ValueError(
                f"expected distinct positions and weights of as many images (got {len(positions)} "
                f"positions, {n_distinct} of them distinct, and weights {tuple(weights.shape)})"
            )
        order = positions.argsort()
        self._positions, self._weights = positions[order], weights[order]
        self._size, self._labels, self._params = size, labels, params
        self.strength = strength

    def maps(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return which images of a batch are marked, and the weights of their pixels."""
        rows = torch.isin(index, self._positions).nonzero().flatten()
        own = torch.searchsorted(self._positions, index[rows])
        return rows, paint_cells(self._weights[own], self._size)

    def __call__(
        self,
        model: Classifier,
        images: Tensor,
        maps: Tensor,
        index: Tensor,
        loss: Tensor,
        generator: Generator,
    ) -> dict[str, Tensor]:
        """Return lambda times the mean penalty of these images as ``guidance``."""
        labels = self._labels[index]
        penalties, _ = reviewed_penalties(model, images, maps, self._params, labels, generator)
        if len(penalties) and self.strength is None:
            self.strength = penalty_strength(self._params, loss, penalties)
        # What was marked may have been cropped away.
        term = penalty_term(penalties, self.strength or 0.0, self._params.limit)
        return {"guidance": term.to(loss.device)}
