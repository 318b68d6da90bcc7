"""What a request of squares tells of earlier reviews: their marks are trained on already."""

from typing import Annotated

from pydantic import Field

from feedback.fields import Exchanged, Identifier, Timestamp

Count = Annotated[int, Field(ge=0, le=10_000_000)]


class CarriedReview(Exchanged):
    """An approved review of an earlier run, and what became of its answers."""

    request_id: Identifier
    """The review."""
    decided_at: Timestamp
    """When it was closed."""
    n_images: Count
    """Images of which it has the last word."""
    n_marked: Count
    """Of these, images whose marks are trained on."""
    n_gone: Count = 0
    """Answers on images that are no longer trained on."""
    n_relabelled: Count = 0
    """Answers on images whose label is another by now; they are asked about anew."""
    n_reshaped: Count = 0
    """Answers on images that are made square otherwise by now; they are asked about anew."""
