"""Parameters of the saliency-grid channel, each with its source or our reason."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.params import Count, Params, Positive, Share

Explainer = Literal["deeplift", "integrated_gradients", "grad_cam", "input_gradients"]
Baseline = Literal["zero", "blurred"]
Target = Literal["predicted", "true"]
CellScore = Literal["contribution", "absolute"]
Strategy = Literal["entropy", "entropy_of_wrong", "wrong_first", "random"]
GradientForm = Literal["linear", "squared", "abs"]
PenaltyForm = GradientForm | Literal["difference"]
PenaltyScalar = Literal[
    "log_probs",
    "predicted_logit",
    "true_logit",
    "predicted_log_prob",
    "true_log_prob",
    "predicted_margin",
    "true_margin",
]


class ExplainerParams(Params):
    """Which pixels speak for a class."""

    name: Explainer = "deeplift"
    """Attribution method; DeepLIFT is the paper's. Integrated gradients take over where a network
    calls what has no rule of DeepLIFT, or where DeepLIFT misses its sum on most images, and the
    evidence says so."""
    baseline: Baseline = "zero"
    """Image that DeepLIFT and integrated gradients compare with: black, or the image itself
    blurred. Black pixels get no attribution against a black baseline."""
    blur_share: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    """Deviation of the Gaussian of a blurred baseline, as a share of the image's shorter side."""
    target: Target = "predicted"
    """Class whose logit is explained."""
    n_steps: Annotated[int, Field(ge=2, le=1000)] = 50
    """Points on the path of integrated gradients."""
    tolerance: Positive = 0.05
    """Attributions are complete when they add up to the logit's difference within this share of
    it."""
    batch_size: Count = 16
    """Images explained at a time."""


class GridParams(Params):
    """How a map becomes squares that can be clicked."""

    cells: Annotated[int, Field(ge=4, le=28)] = 7
    """G, cells per side: 32 pixels wide on an image of 224."""
    n_shown: Annotated[int, Field(ge=1, le=784)] = 10
    """Cells shown per image, most relevant first."""
    score: CellScore = "contribution"
    """Relevance of a cell: how much it contributes to the explained logit, whatever the sign, or
    the paper's mean absolute attribution of its pixels, which adds up noise that cancels out.
    Methods whose attributions do not add up to anything always take the latter."""
    allow_important: bool = False
    """Let reviewers also mark what should matter; only the linear penalty acts on it."""


class SamplingParams(Params):
    """Which images reviewers are asked about, and when during training."""

    strategy: Strategy = "entropy_of_wrong"
    """Order of the candidates; mistakes come first and the rest fills up, unless it is ``entropy``
    (the paper's pseudo-code) or ``random`` (the control)."""
    n_images: Annotated[int, Field(ge=1, le=1000)] = 10
    """Images per round."""
    first_epoch: Count = 3
    """Epoch after which reviewers are asked first. Before, a network has hardly anything to
    explain, and lambda, found where gradients are still small, stalls training (decision 0026)."""
    every: Count = 1
    """Epochs between two rounds."""
    rounds: Annotated[int, Field(ge=1, le=1000)] = 5
    """How often reviewers are asked."""
    waiting: Literal["wait", "async"] = "wait"
    """Whether training waits for the answers of a round, or goes on and takes them when they
    come."""

    @property
    def feedback_epochs(self) -> tuple[int, ...]:
        """Epochs, from 1, after which reviewers are asked."""
        return tuple(self.first_epoch + self.every * i for i in range(self.rounds))


class PenaltyParams(Params):
    """The input-gradient regulariser (Serrano e Silva et al. 2023; Ross et al. 2017)."""

    form: PenaltyForm = "squared"
    """Squared gradients (RRR), their absolute values, or the paper's linear form, which pushes the
    gradient in one direction instead of to zero. ``difference`` has no gradient: it replaces what
    was marked, and asks for the same logits."""
    scalar: Literal["auto"] | PenaltyScalar = "auto"
    """What is differentiated: the sum of log-probabilities (RRR), or a logit or log-probability of
    one class. Auto takes the predicted class's logit with the linear form, the sum otherwise. A sum
    of probabilities is 1 and has no gradient, so it cannot be chosen."""
    strength: Literal["auto"] | Annotated[float, Field(ge=0)] = "auto"
    """Lambda; auto: the penalty is ``rate`` times the cross-entropy, in the median of the first
    batches with marks (eight, or an epoch's), on which it does not act yet; for the form
    ``difference`` it is ``rate`` itself."""
    rate: Annotated[float, Field(ge=0)] = 1.0
    """Factor on an automatic lambda, whatever the form; a lambda that is set has none."""
    gradient_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Where lambda is found during training, the penalty's gradient is scaled down to this share of
    the cross-entropy's: without a bound, what was in balance once stalls training later (decision
    0026)."""
    max_per_batch: Literal["auto"] | Count = "auto"
    """Marked images of one batch that are penalised. Each costs five to six times what it costs to
    train on it, so this bounds how much longer a step takes; auto: a quarter of the batch, from 4
    to 8, and 4 where layers are frozen, whose plain steps are cheap. With the form ``difference``,
    which costs twice what it costs to train on an image, half of the batch. Networks with batch
    normalisation take unmarked images of the batch along where fewer are marked, for the
    statistics."""
    limit: Positive | None = None
    """Penalties above this are scaled down to it, which keeps their gradient's direction; None
    never scales."""

    def most_of(self, n_images: int, *, is_partly_frozen: bool = False) -> int:
        """Return how many marked images of a batch are penalised; see ``max_per_batch``.

        Args:
            n_images: Images of the batch.
            is_partly_frozen: Whether layers of the network are frozen.
        """
        if self.max_per_batch != "auto":
            return self.max_per_batch
        if self.form == "difference":
            return max(n_images // 2, 4)
        return 4 if is_partly_frozen else min(max(n_images // 4, 4), 8)

    @property
    def is_balanced(self) -> bool:
        """Whether lambda is found during training, by what the penalty amounts to there."""
        return self.strength == "auto" and self.form != "difference"


class AgreementParams(Params):
    """What becomes of cells that several reviewers of an image saw differently."""

    min_share: Share = 0.5
    """A cell that one marked and another left alone is trained on, by the mean of their weights,
    when at least this share of them marked it; 1 wants all, 0 one of any number. One that is called
    irrelevant by one and important by another is never trained on."""
    flag_below: Share = 0.3
    """Images whose reviewers' marks overlap less than this (IoU, mean over pairs) are doubted."""


class CarryOverParams(Params):
    """Marks of earlier runs' approved reviews, by the content of the images."""

    enabled: bool = True
    """Learn from them, from the first epoch on, or where lambda is found during training from
    ``sampling.first_epoch`` on; every request and the report tell of it."""
    ask_again: bool = False
    """Ask about their images like about any other; else only when no others are left."""


class ReviewerParams(Params):
    """The simulated reviewer: which of the shown cells it marks."""

    outside_share: Annotated[float, Field(gt=0, le=1)] = 0.9
    """A shown cell is marked as irrelevant when at least this share of it lies outside the
    object."""
    important_share: Annotated[float, Field(gt=0, le=1)] = 0.9
    """And as important, where that is allowed, when at least this share lies on it."""


class SaliencyGridParams(Params):
    """All parameters of the ``saliency_grid`` channel."""

    explainer: ExplainerParams = ExplainerParams()
    grid: GridParams = GridParams()
    sampling: SamplingParams = SamplingParams()
    penalty: PenaltyParams = PenaltyParams()
    reviewer: ReviewerParams = ReviewerParams()
    agreement: AgreementParams = AgreementParams()
    carry_over: CarryOverParams = CarryOverParams()
    seeds: Annotated[int, Field(ge=1, le=100)] = 2
    """Trainings per arm of the comparison; people are asked during the first only."""
    max_marked_area: Share = 0.6
    """Marking more of an image than this is doubted: hardly anything would be left to look at."""

    @model_validator(mode="after")
    def _fits_together(self) -> "SaliencyGridParams":
        if self.grid.n_shown > self.grid.cells**2:
            raise ValueError(
                f"expected n_shown of at most {self.grid.cells**2}, the cells of the grid "
                f"(got {self.grid.n_shown}); show fewer or take a finer grid"
            )
        if self.grid.allow_important and self.penalty.form != "linear":
            raise ValueError(
                "expected the linear penalty with allow_important "
                f"(got {self.penalty.form}); the others only ever push gradients to zero"
            )
        return self
