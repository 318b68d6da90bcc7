"""The report of one run: what went in, what was changed and why, what came of it.

Plain numbers and names only; written as JSON by ``--report`` and shown as a table by the command
line. Accuracies are means over classes, in [0, 1].
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Group = Literal["edited_classes", "other_classes", "all"]

GROUP_NAMES: dict[Group, str] = {
    "edited_classes": "edited classes",
    "other_classes": "other classes",
    "all": "all classes",
}


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class DatasetReport(_Part):
    """Which data the run used."""

    path: str
    """Folder."""
    md5: str
    """Digest of the folder as DVC computes it."""
    classes: Count
    """Number of classes."""
    train: Count
    """Labelled training images."""
    test: Count
    """Test images."""
    pool: Count = 0
    """Unlabelled images."""


class StageReport(_Part):
    """One stage of the flow."""

    name: str
    """Stage."""
    seconds: Annotated[float, Field(ge=0)]
    """Wall-clock time that computing it took: in this run, or where it is ``reused``, back then."""
    reused: bool
    """Whether an earlier result was taken, which cost this run next to nothing."""


class ReasonerReport(_Part):
    """How well the explained reasoner imitates the classifier."""

    agreement: Share
    """Share of unseen images on which both choose the same class: test images that the classifier
    takes for one of the classes under review, whose labels are not looked at."""
    l1: Annotated[float, Field(ge=0)]
    """Mean L1 distance of their class probabilities on the same images."""


class TeacherReport(_Part):
    """How right a network is that learned the labels, asked about images held out of its fit."""

    title: str
    """What people call it."""
    accuracy: Share
    """Share of the held-out images on which it chooses the right one of the edited classes."""
    images: Count
    """Number of these images."""


class EditReport(_Part):
    """One edit of the accepted feedback."""

    class_name: str
    """Class whose graph was edited."""
    op: str
    """Kind of edit, e.g. ``replace_concept``."""
    change: str
    """What was changed, e.g. ``slot 0: type_001/k07 → type_001/k15``."""
    reason: str = ""
    """Why, in the reviewer's words."""


class Score(_Part):
    """An accuracy with its interval."""

    accuracy: Share
    """Mean over the group's classes."""
    low: Share
    """Lower end of the interval."""
    high: Share
    """Upper end of the interval."""


class ArmReport(_Part):
    """Accuracy of one arm on each group of classes."""

    edited_classes: Score
    """Classes that were corrected."""
    other_classes: Score | None
    """All other classes; None when there are none."""
    all: Score
    """Every class."""


class CalibrationReport(_Part):
    """Whether an arm's confidence means what it says, on the test images."""

    nll: Annotated[float, Field(ge=0)]
    """Mean negative log-likelihood."""
    ece: Share
    """Expected calibration error, over 15 bins of confidence."""
    brier: Annotated[float, Field(ge=0, le=2)]
    """Brier score, summed over the classes."""


class ArmTitle(_Part):
    """What people call an arm."""

    arm: str
    """Its key among the arms."""
    title: str
    """A few words."""


class _Difference(_Part):
    """A difference of two accuracies on the same test images."""

    mean: Annotated[float, Field(ge=-1, le=1)]
    """The first accuracy minus the second."""
    low: Annotated[float, Field(ge=-1, le=1)]
    """Lower end of the interval."""
    high: Annotated[float, Field(ge=-1, le=1)]
    """Upper end of the interval."""
    p_value: Share
    """Two-sided test of no difference."""


class PairedReport(_Difference):
    """Difference of two arms; positive when ``arm`` is better."""

    arm: str
    """Arm whose accuracy is compared."""
    against: str
    """Arm that is subtracted."""
    group: Group
    """Classes compared."""


class ChallengeReport(_Difference):
    """The candidate minus the champion that it was to replace."""

    version: str
    """The champion's version."""
    classes: Count
    """Classes that both know; the numbers are means over these."""
    candidate: Share
    """Accuracy of the candidate."""
    champion: Share
    """Accuracy of the champion."""


class DecisionReport(_Part):
    """Whether the corrected model was promoted."""

    promote: bool
    """Verdict of the promotion rule."""
    reasons: tuple[str, ...]
    """One sentence per condition."""


class ModelReport(_Part):
    """The registered model."""

    name: str
    """Registered name."""
    version: str
    """Version under that name."""
    alias: str | None = None
    """Alias that points to it after the run."""


class TrackingReport(_Part):
    """Where the run is shown in MLflow."""

    uri: str
    """Address of the tracking store."""
    experiment: str
    """Experiment's id."""
    run: str
    """Run's id."""
    compare_versions: str = ""
    """Page that shows the versions before and after side by side, after the server's address."""
    compare_figures: str = ""
    """Page that shows their figures side by side, after the server's address."""


class RunReport(_Part):
    """Everything that a run reports.

    A run whose reviewers did not approve has nothing to compare: ``reasoner``, ``arms`` and
    ``model`` are None then.
    """

    run: str = ""
    """Name of the run."""
    dataset: DatasetReport
    """Data."""
    stages: tuple[StageReport, ...]
    """Stages in the order in which they ran."""
    request: str | None = None
    """Review request that the reviewer answered."""
    reasoner: ReasonerReport | None = None
    """Agreement of reasoner and classifier."""
    edited_classes: tuple[str, ...] = ()
    """Names of the classes under repair."""
    edits: tuple[EditReport, ...] = ()
    """What the reviewer changed and why."""
    teachers: tuple[TeacherReport, ...] = ()
    """Who taught the arms, and for comparison the classifier itself among the same classes."""
    warnings: tuple[str, ...] = ()
    """What a reader should know before trusting the correction; none of it decides."""
    arms: dict[str, ArmReport] | None = None
    """Accuracy per arm and group."""
    arm_titles: tuple[ArmTitle, ...] = ()
    """The arms in the order of reading: the original first, the candidate last."""
    calibration: dict[str, CalibrationReport] = {}
    """Calibration per arm, a mean over its seeds; runs of earlier versions have none."""
    measured: dict[str, float] = {}
    """What else the channel measured, by name."""
    paired: tuple[PairedReport, ...] = ()
    """Paired differences."""
    challenge: ChallengeReport | None = None
    """The candidate beside the champion; None when there was no other network to compare with."""
    decision: DecisionReport
    """Promotion."""
    model: ModelReport | None = None
    """Registered model."""
    tracking: TrackingReport | None = None
    """Where the figures and metrics are."""

    @model_validator(mode="after")
    def _arms_have_titles(self) -> Self:
        titled = {one.arm for one in self.arm_titles}
        if titled != set(self.arms or {}):
            raise ValueError(
                f"expected a title for every arm (got {', '.join(sorted(titled)) or 'none'} for "
                f"{', '.join(sorted(self.arms or {})) or 'none'})"
            )
        return self
