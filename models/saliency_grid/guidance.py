"""Marks of reviewers as a term of the training loss.

B batch · R images of the batch with marks · M marked images of the fit · G cells per side.
"""

import torch
from torch import Generator, Tensor

from models.classifier import Classifier
from models.saliency_grid.grid import paint_cells
from models.saliency_grid.params import PenaltyParams
from models.saliency_grid.penalty import reviewed_penalties
from models.saliency_grid.strength import Strength, penalty_term


class MarkedImages:
    """The input-gradient penalty on marked images; a ``models.guidance.Guidance``.

    Args:
        positions: Positions of the marked images among those of the fit (M,), int64, distinct.
        weights: W of their cells (M, G, G), in [-1, 1].
        size: Height and width of the images, pixels.
        labels: Class indices of all images of the fit (I,), int64.
        params: Form, scalar, lambda and limit.
        strength: Lambda as far as it was found before; None begins to find it.

    Attributes:
        strength: Lambda, which an automatic one is not before some batches with marks.
    """

    def __init__(
        self,
        positions: Tensor,
        weights: Tensor,
        size: tuple[int, int],
        labels: Tensor,
        params: PenaltyParams,
        strength: Strength | None = None,
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
        self.strength = strength or Strength(params)

    @property
    def largest_share(self) -> float | None:
        """``PenaltyParams.gradient_share`` where lambda was found, not set."""
        return self._params.gradient_share if self._params.is_balanced else None

    @property
    def remedy(self) -> str:
        """Where lambda is set, and what it is."""
        found = "not found yet" if self.strength.value is None else f"{self.strength.value:g}"
        where = "rate" if self._params.strength == "auto" else "strength"
        return f"lower lambda, which is {found} (saliency_grid.penalty.{where})"

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
        """Return lambda times the mean penalty of the marked images as ``guidance``."""
        labels = self._labels[index]
        penalties, _ = reviewed_penalties(model, images, maps, self._params, labels, generator)
        # On the batches that lambda is found on nothing acts, and what was marked may have been
        # cropped away.
        if self.strength.value is None:
            self.strength.observe(loss, penalties)
            return {"guidance": loss.new_zeros(())}
        term = penalty_term(penalties, self.strength.value, self._params.limit)
        return {"guidance": term.to(loss.device)}
