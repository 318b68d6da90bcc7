"""A class graph reduced to what a picture of it shows; free of networks and of files."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

EdgeState = Literal["auto", "removed", "added"]


@dataclass(frozen=True)
class ConceptNode:
    """One concept of a class graph as it is drawn.

    Attributes:
        concept_id: E.g. ``type_001/k07``; the part after the last slash is written.
        crop: Example picture (h, w, 3), uint8; None draws an empty frame.
        tcav_score: Share of images with a positive directional derivative, in [0, 1].
        tcav_low: Lower end of its interval.
        tcav_high: Upper end of its interval.
        detection_rate: Share of the class's images in which the concept is found.
        background_share: Share of its examples that lies in the background; None when not known.
        contribution: Mean contribution to the class's logit; 0 draws a neutral frame.
        is_new: Whether a reviewer put the concept here.
    """

    concept_id: str
    crop: NDArray[np.uint8] | None = None
    tcav_score: float | None = None
    tcav_low: float | None = None
    tcav_high: float | None = None
    detection_rate: float | None = None
    background_share: float | None = None
    contribution: float = 0.0
    is_new: bool = False


@dataclass(frozen=True)
class DependencyEdge:
    """A directed dependency between two slots and its mean contribution to the class's logit."""

    source: int
    target: int
    contribution: float = 0.0
    state: EdgeState = "auto"


@dataclass(frozen=True)
class ClassGraphView:
    """A class graph ready to be drawn; ``note`` stands under its name."""

    class_name: str
    nodes: tuple[ConceptNode, ...]
    edges: tuple[DependencyEdge, ...]
    note: str = ""
