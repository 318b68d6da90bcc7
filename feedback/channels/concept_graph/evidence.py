"""What a reviewer of concept graphs is shown: cards, graphs, examples, agreement.

Numbers that could not be computed are None, never NaN. Pictures are names of files of the bundle.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from feedback.channels.concept_graph.carried import CarriedEdit, LostEdit
from feedback.channels.concept_graph.ops import Slot
from feedback.fields import Exchanged, FileName, Grown, Name, Sha256, Share

Pixel = Annotated[int, Field(ge=0, le=65_535)]
Count = Annotated[int, Field(ge=0)]
Cosine = Annotated[float, Field(ge=-1.0001, le=1.0001)]


class Exemplar(Exchanged):
    """One segment that is typical of a concept."""

    image: Name
    """Source image, as named in the dataset."""
    box: tuple[Pixel, Pixel, Pixel, Pixel]
    """x0, y0, x1, y1 on the network's input, pixels, the last two exclusive."""
    file: FileName
    """Crop with the segment outlined, PNG."""


class ConceptCard(Exchanged):
    """One concept: what it looks like, how much it matters, how well it tells the class apart."""

    concept_id: Name
    """Id, e.g. ``type_001/k07``."""
    class_name: Name
    """Class whose images it was mined from."""
    tcav_score: Share | None
    """Share of images on which more of the concept raises the class's logit."""
    tcav_low: Share | None
    """Lower end of its 95 % interval over random sets."""
    tcav_high: Share | None
    """Upper end of its 95 % interval over random sets."""
    tcav_magnitude: float | None
    """Mean directional derivative of the logit; ranks concepts where the score is saturated."""
    p_value: Share | None
    """Welch test against random sets, of this concept alone."""
    significant: bool
    """Whether it rejects at the chosen level, corrected for all concepts (Benjamini-Hochberg)."""
    detection_rate: Share
    """Share of the class's training images in which it is found by itself: within the gate, at its
    own threshold, whichever other concept is nearer. In a graph several concepts do not share a
    segment, and previews look without the gate as the correction does."""
    background_share: Share
    """Share of the concept's segments that lies outside the Grad-CAM gate."""
    n_images: Count
    """Distinct images among its members."""
    n_segments: Count = 0
    """Members."""
    popular: bool
    """Whether the popularity rules accept the cluster as a concept."""
    uniqueness: Annotated[float, Field(ge=0)] | None
    """Distance to the nearest concept of another class over the concept's own threshold."""
    score: float | None = None
    """Key by which candidates are ordered, larger first."""
    closest_other: Name | None = None
    """Nearest concept of another class."""
    closest_other_cosine: Cosine | None = None
    """Cosine between the two centres, seen from the mean of all."""
    exemplars: tuple[Exemplar, ...] = Field(default=(), max_length=64)
    """Typical segments, from distinct images."""


class EdgeEvidence(Exchanged):
    """One directed edge of a class graph."""

    src: Slot
    """Slot that the edge leaves."""
    dst: Slot
    """Slot that the edge enters."""
    state: Literal["auto", "removed", "added"] = "auto"
    """Whether a reviewer cut or asserted it before."""
    contribution: float
    """Mean contribution to the class's logit; the sign says for or against."""


class ClassEvidence(Grown):
    """The graph of one class, and the concepts that may stand in it."""

    LATER: ClassVar = ("carried", "lost")

    class_name: Name
    """Class."""
    base_cscg: Sha256
    """Digest of the class graph; an edit must quote it."""
    slots: tuple[Name, ...] = Field(min_length=2, max_length=16)
    """Concept id of each slot."""
    node_contributions: tuple[float, ...] = ()
    """Mean contribution of each slot to the class's logit; empty where unknown."""
    edges: tuple[EdgeEvidence, ...]
    """Every directed edge, by source then target."""
    candidates: tuple[ConceptCard, ...] = Field(max_length=1000)
    """Every concept that may stand in a slot, those in the graph included, best first."""
    accuracy: Share | None = None
    """Share of the class's validation images of which the classifier, among the shown classes,
    prefers this one."""
    reasoner_accuracy: Share | None = None
    """The same of the reasoner."""
    n_images: Count = 0
    """Training images of the class."""
    figures: tuple[FileName, ...] = Field(default=(), max_length=32)
    """Figures of the class."""
    carried: tuple[CarriedEdit, ...] = Field(default=(), max_length=64)
    """Accepted edits of an earlier review, proposed again."""
    lost: tuple[LostEdit, ...] = Field(default=(), max_length=64)
    """Accepted edits of an earlier review that could not be carried over."""

    @model_validator(mode="after")
    def _slots_have_cards(self) -> Self:
        n_concepts = len(self.slots)
        missing = set(self.slots) - {card.concept_id for card in self.candidates}
        if missing:
            raise ValueError(f"expected a card for every slot (got none for {sorted(missing)})")
        if len(set(self.slots)) != n_concepts:
            raise ValueError(f"expected distinct concepts in the slots (got {self.slots})")
        if self.node_contributions and len(self.node_contributions) != n_concepts:
            raise ValueError(
                f"expected {n_concepts} node contributions (got {len(self.node_contributions)})"
            )
        edges = sorted((edge.src, edge.dst) for edge in self.edges)
        complete = [(i, j) for i in range(n_concepts) for j in range(n_concepts) if i != j]
        if edges != complete:
            raise ValueError(
                f"expected each of the {len(complete)} directed edges once (got {len(edges)})"
            )
        return self


class LocatedConcept(Exchanged):
    """A concept of a class graph found, or not, in an example image."""

    class_name: Name
    """Class whose graph the slot belongs to."""
    slot: Slot
    """Position in that graph."""
    present: bool
    """Whether it is within the concept's threshold."""
    position: tuple[Share, Share]
    """Centroid (x, y) as shares of the image's sides."""
    contributions: tuple[float, ...] = ()
    """Contribution to each class's logit, in the order of the evidence's classes."""


class ExampleEvidence(Exchanged):
    """One image with its located concepts: why this class, and why not another."""

    image: Name
    """Source image."""
    file: FileName
    """The image with the concepts drawn in, PNG."""
    true_class: Name
    """Label."""
    predicted_class: Name
    """Classifier's answer among the shown classes."""
    reasoner_class: Name
    """Reasoner's answer."""
    logits: tuple[float, ...] = ()
    """Reasoner's logits, in the order of the evidence's classes."""
    concepts: tuple[LocatedConcept, ...] = Field(default=(), max_length=1024)
    """Located concepts: of each class that is shown, those of its graph."""
    deletion: tuple[float | None, ...] = ()
    """Change of the true class's logit in the classifier when each concept of ``concepts`` is
    blanked; None for those of other classes and those that are not present."""


class GraphEvidence(Exchanged):
    """All that is shown in one request of the concept-graph channel."""

    agreement: Share
    """Share of unseen images on which reasoner and classifier choose the same class: of test images
    that the classifier takes for one of ``classes``, whose labels are not looked at."""
    l1: Annotated[float, Field(ge=0)]
    """Mean L1 distance of their class probabilities on the same images."""
    confusion: tuple[tuple[Count, ...], ...] = ()
    """Validation images by true (row) and predicted (column) class, in the order of ``classes``."""
    examples: tuple[ExampleEvidence, ...] = Field(default=(), max_length=256)
    """Example images."""
    figures: tuple[FileName, ...] = Field(default=(), max_length=32)
    """Figures over all classes."""
    classes: tuple[ClassEvidence, ...] = Field(min_length=2, max_length=64)
    """Classes to look at."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [evidence.class_name for evidence in self.classes]
        if len(set(names)) != len(names):
            raise ValueError(f"expected each class once (got {names})")
        if self.confusion and {len(self.confusion), *map(len, self.confusion)} != {len(names)}:
            raise ValueError(f"expected a {len(names)} x {len(names)} confusion matrix")
        return self
