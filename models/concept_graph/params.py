"""Parameters of the concept-graph channel, each with its source or our reason."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from models.params import Count, Params, Positive, Share


class SegmentParams(Params):
    """Multi-resolution SLIC superpixels (Achanta et al. 2012; ACE's settings)."""

    n_segments: Annotated[tuple[Count, ...], Field(min_length=1)] = (15, 50, 80)
    """Requested segments, one entry per resolution, coarse to fine."""
    compactness: Positive = 20.0
    """Weight of space against colour."""
    sigma: Annotated[float, Field(ge=0)] = 1.0
    """Gaussian smoothing before clustering, pixels."""
    min_size_factor: Share = 0.5
    """Smallest segment, as a share of the mean size."""
    min_area: Share = 0.001
    """Segments covering no more than this share of the image are dropped."""
    max_overlap: Share = 0.5
    """A segment whose Jaccard overlap with one kept at a coarser resolution exceeds this is
    dropped."""


class GateParams(Params):
    """Grad-CAM gate: which segments belong to what the network looks at."""

    enabled: bool = True
    """Use the gate when concepts are mined."""
    explanation: bool = True
    """Use the gate, by the same rule, when images are matched for the reasoner that imitates the
    classifier: what the network does not look at does not explain it."""
    correction: bool = False
    """Use the gate when images are matched for the teacher of a correction. The gate of a biased
    network hides the object, so a repair wants this off; see docs/decisions/0012."""
    keep_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the image's pixels that the gate keeps."""
    coverage: Share = 0.5
    """A segment passes when at least this share of it lies inside the kept pixels."""


class ClusterParams(Params):
    """Segments of one class clustered into concepts (ACE)."""

    embedding: Literal["pooled", "patch"] = "pooled"
    """One forward per image and masked pooling, or ACE's one forward per cut-out segment (the
    reference)."""
    max_images: Annotated[int, Field(ge=2)] = 50
    """Images per class from which concepts are mined."""
    n_clusters: Annotated[int, Field(ge=2)] = 25
    """k of k-means."""
    normalise: bool = False
    """L2-normalise embeddings before clustering."""
    min_segments: Count = 20
    """A concept has at least this many segments."""
    n_exemplars: Annotated[int, Field(ge=1, le=64)] = 10
    """Example segments shown per concept, from distinct images."""


class TcavParams(Params):
    """Concept activation vectors with random controls (Kim et al. 2018)."""

    n_random: Annotated[int, Field(ge=2)] = 20
    """Random sets, each the negative side of one CAV."""
    random_size: Annotated[int, Field(ge=2)] = 50
    """Segments per random set."""
    cav: Literal["hinge", "mean_difference"] = "hinge"
    """Linear classifier of ACE (hinge loss), fitted to its optimum, or the difference of class
    means (nearly free)."""
    alpha: Positive = 0.01
    """Regularisation of the linear classifier."""
    level: Share = 0.05
    """False discovery rate of the Benjamini-Hochberg procedure."""


class GraphParams(Params):
    """Class graphs and the matching of images to them."""

    n_concepts: Annotated[int, Field(ge=2, le=16)] = 4
    """K, nodes per class graph."""
    rank_by: Literal["tcav", "deletion"] = "deletion"
    """What makes a concept one of the graph: how far the class's margin falls when the concept is
    blanked, or the TCAV magnitude, which takes fewer passes; see docs/decisions/0020."""
    threshold_quantile: Share = 0.95
    """A concept is detected within this quantile of its members' distances to the centre."""
    explanation_slack: Positive = 1.5
    """Factor on the thresholds when images are matched for the reasoner that imitates the
    classifier: on images that no concept was mined from, the nearest segment lies further away, and
    a node that is not detected tells the reasoner nothing."""
    correction_slack: Positive = 1.0
    """The same when they are matched for the teacher of a correction; see docs/decisions/0014."""
    absent: Literal["learned", "ones", "masked"] = "learned"
    """Undetected concepts: a learned feature per class and concept, VRX's feature of ones, or
    silenced altogether."""


class CopyParams(Params):
    """Altered copies of labelled images, from which the teacher of a correction learns as well.

    What was rejected is blanked, or moved to another class; see docs/decisions/0014.
    """

    blank: Annotated[int, Field(ge=0, le=10)] = 1
    """Copies per image whose rejected region is filled with the colour around it."""
    transplant: Annotated[int, Field(ge=0, le=10)] = 2
    """Copies per image that carry the rejected region of another class's image."""


class ReasonerParams(Params):
    """Graph reasoning network (VRX's layer, mended)."""

    node_dims: Annotated[tuple[Count, ...], Field(min_length=1)] = (64, 32, 32)
    """Node width after each layer."""
    edge_dims: Annotated[tuple[Count, ...], Field(min_length=1)] = (5, 5, 5)
    """Edge width after each layer."""
    hidden: Annotated[int, Field(ge=0)] = 0
    """Hidden width of the embedding network E; 0 keeps it linear, which makes contributions
    exact."""
    imitation: Literal["softmax_l1", "l1norm_mse"] = "softmax_l1"
    """Imitation loss: the paper's, or the one in VRX's code."""
    lr: Positive = 3e-3
    """Learning rate of Adam."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    """Weight decay of Adam; the reasoner has a few hundred graphs to learn from."""
    batch_size: Annotated[int, Field(ge=2)] = 128
    """Images per step (each has one graph per class)."""
    epochs: Count = 100
    """Largest number of passes."""
    patience: Count = 20
    """Passes without a better validation loss before stopping."""
    n_seeds: Annotated[int, Field(ge=1, le=25)] = 5
    """Reasoners fitted; their mean logits speak for them."""
    min_agreement: Share = 0.85
    """Below this top-1 agreement with the classifier a review is not published unless
    ``publish_anyway``."""
    publish_anyway: bool | None = None
    """Publish explanations of a reasoner that does not imitate the classifier well enough; None
    shows them to the simulated reviewer only, whom they cannot mislead."""


class ReviewerParams(Params):
    """The simulated reviewer: when a concept is distrusted and what may replace it."""

    min_object_share: Share = 0.5
    """A concept with less of its examples' area on the object lies in the background."""
    candidate_object_share: Share = 0.5
    """A replacement has at least this share of its examples' area on the object."""
    clear_object_share: Share = 0.7
    """Replacements with at least this share come before all others, whatever their scores."""
    max_cosine: Share = 0.95
    """A concept more alike than this to one of another class is shared: it tells nothing apart."""
    min_uniqueness: Annotated[float, Field(ge=0)] = 0.25
    """So is one whose nearest concept of another class is nearer than this many own thresholds."""
    min_detection_rate: Share = 0.2
    """A replacement is found in at least this share of the class's images."""
    accept_shared: bool = True
    """Let a shared foreground concept replace a background one when no distinctive one is left."""


class CarryOverParams(Params):
    """Accepted edits of earlier reviews, proposed again when concepts are mined anew."""

    enabled: bool = True
    """Show them in the next request; none is ever applied by itself."""
    min_similarity: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Smallest cosine of two concepts' features, seen by the network of now, that makes them the
    same; see docs/decisions/0018."""


class ConceptGraphParams(Params):
    """All parameters of the ``concept_graph`` channel."""

    classes: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    """Classes to explain and repair; empty lets the confusion among classes suggest them."""
    n_classes: Annotated[int, Field(ge=2, le=10)] = 3
    """How many classes to suggest when none are named."""
    segments: SegmentParams = SegmentParams()
    gate: GateParams = GateParams()
    clusters: ClusterParams = ClusterParams()
    tcav: TcavParams = TcavParams()
    graph: GraphParams = GraphParams()
    reasoner: ReasonerParams = ReasonerParams()
    copies: CopyParams = CopyParams()
    reviewer: ReviewerParams = ReviewerParams()
    carry_over: CarryOverParams = CarryOverParams()
    workers: Annotated[int, Field(ge=0)] = 0
    """Threads for segmentation; 0 takes one per core."""

    def content_key(self) -> JsonValue:
        """Return what a stage's key holds: all but what is only proposed to reviewers."""
        return self.model_dump(mode="json", exclude={"carry_over"})

    @model_validator(mode="after")
    def _layers_pair_up(self) -> "ConceptGraphParams":
        if len(self.reasoner.node_dims) != len(self.reasoner.edge_dims):
            raise ValueError(
                "expected as many node_dims as edge_dims, one per layer "
                f"(got {len(self.reasoner.node_dims)} and {len(self.reasoner.edge_dims)})"
            )
        if self.classes and len(self.classes) < 2:
            raise ValueError(
                f"expected at least two classes to tell apart (got {len(self.classes)})"
            )
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(
                f"expected each of classes once (got {', '.join(self.classes)}); leave out twins"
            )
        return self
