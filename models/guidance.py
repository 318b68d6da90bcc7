"""What a fit asks of a term of the loss that looks at the images, not only at their logits."""

from typing import Protocol

from torch import Generator, Tensor

from models.classifier import Classifier


class Guidance(Protocol):
    """Maps on some images of a fit, and what the network owes them.

    B batch · R images of the batch that have a map · H,W pixels.
    """

    @property
    def largest_share(self) -> float | None:
        """Largest norm of the term's gradient, as a share of that of the loss without it.

        A step's gradient is scaled down to it; None never scales.
        """
        ...

    @property
    def remedy(self) -> str:
        """What to do about a term that makes the loss infinite, as an error's remedy."""
        ...

    def maps(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return which images of a batch have a map, and the maps.

        Args:
            index: Positions (B,) of the batch's images among those of the fit.

        Returns:
            Positions within the batch (R,), int64, ascending, and maps (R, H, W), float32, of the
            images as they are; both empty for a batch without any.
        """
        ...

    def __call__(
        self,
        model: Classifier,
        images: Tensor,
        maps: Tensor,
        index: Tensor,
        loss: Tensor,
        generator: Generator,
    ) -> dict[str, Tensor]:
        """Score the network on a batch of which at least one image has a map.

        Args:
            model: The network, in training mode; what it learns from a forward pass, such as
                statistics, must be left as it was.
            images: Altered as they were for the loss (B, 3, H, W), float32 in [0, 1].
            maps: The maps, altered by the same geometry (B, H, W); zero for images without one.
            index: Positions (B,) of the images among those of the fit.
            loss: The batch's loss without this term, a scalar.
            generator: What chance there is comes from it, on the CPU; the fit's own, so that an
                epoch that is done again is the same.

        Returns:
            ``guidance``, a scalar that is added to the loss, and other terms to report.
        """
        ...
