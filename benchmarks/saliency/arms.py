"""What is compared: trainings that differ in whose squares the penalty acts on, and how."""

from dataclasses import dataclass, field, replace
from typing import Any

from models.saliency_grid.params import PenaltyParams


@dataclass(frozen=True)
class Arm:
    """One training over a dataset.

    Attributes:
        marks: Whose marks the penalty acts on: ``random`` are those of the arm that is the same but
            for having them where they were ``marked``, moved to cells drawn at random.
        penalty: What differs from the settings.
        factor: On the lambda of the arm ``around``.
        around: Arm whose lambda this one's is a multiple of, set or found in training; here it is
            set, and so its gradient has no bound that would make all multiples alike.
        data: Which dataset.
    """

    marks: str = "none"
    penalty: dict[str, Any] = field(default_factory=dict)
    factor: float = 1.0
    around: str = ""
    data: str = "low"

    def penalty_of(self, params: PenaltyParams, found: float | None = None) -> PenaltyParams:
        """Return the settings' penalty as this arm has it.

        Args:
            params: The settings' penalty.
            found: Lambda of the arm ``around``.
        """
        own = params.model_copy(update=self.penalty)
        if found is None:
            return own
        return own.model_copy(update={"strength": found * self.factor})


def all_arms(*, has_clean: bool, strengths: tuple[float, ...] = ()) -> dict[str, Arm]:
    """Return the arms by name.

    Args:
        has_clean: Whether there is a dataset without the patch.
        strengths: Factors on lambda, for the sensitivity of the squared and the linear form.
    """
    squared, auto = {"form": "squared"}, {"strength": "auto"}
    linear, difference = {"form": "linear", **auto}, {"form": "difference", **auto}
    arms = {
        "baseline, 10 %": Arm(),
        "marked squares, squared, 10 %": Arm("marked", squared),
        "marked squares, difference, 10 %": Arm("marked", difference),
        "marked squares, linear, 10 %": Arm("marked", linear),
        "random squares, squared, 10 %": Arm("random", squared),
        "random squares, difference, 10 %": Arm("random", difference),
        "random squares, linear, 10 %": Arm("random", linear),
    }
    if has_clean:
        arms["without the patch, 10 %"] = Arm(data="clean")
        arms["marked squares, squared, lambda auto"] = Arm("marked", squared | auto)
    for form, penalty in (("squared", squared), ("linear", linear)):
        around = f"marked squares, {form}, 10 %"
        for factor in strengths:
            name = f"marked squares, {form}, lambda x {factor:g}"
            arms[name] = Arm("marked", penalty, factor, around)
    return arms | {"baseline, 100 %": Arm(data="full")}


def twins_of(arms: dict[str, Arm]) -> dict[str, str]:
    """Return by arm of random squares the arm whose marks it moves.

    Args:
        arms: All arms by name, in the order in which they are trained.

    Raises:
        ValueError: If random squares come without, or before, the marked ones.
    """
    twins: dict[str, str] = {}
    for position, (name, arm) in enumerate(arms.items()):
        if arm.marks == "random":
            twin, before = replace(arm, marks="marked"), list(arms.items())[:position]
            found = [other for other, one in before if one == twin]
            if not found:
                raise ValueError(f"expected the marked squares of {name!r} before it (got none)")
            twins[name] = found[0]
    return twins
