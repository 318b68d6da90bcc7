"""The arms of the comparison: who teaches, over which images, with or without altered copies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Graphs = Literal["unmodified", "edited", "random"]


@dataclass(frozen=True)
class Teacher:
    """Teacher 1 of an arm: a reasoner that learns the labels through class graphs.

    Attributes:
        graphs: Which class graphs it reasons with.
        draw: Which draw of random edits.
        same_copies: It has the altered copies that the reviewer's edit asks for, whatever its own
            graphs reject: what is gained by copies then is told apart from what edits gain.
        shuffled: Its labels are dealt out anew among the images, which leaves nothing to learn.
        paper: It is made as the paper makes it: one reasoner, no copies.
    """

    graphs: Graphs
    draw: int = 0
    same_copies: bool = False
    shuffled: bool = False
    paper: bool = False

    @property
    def name(self) -> str:
        """Name in tables; the draws of random edits share one."""
        parts = [self.graphs + " with copies" * self.same_copies]
        parts += ["labels shuffled"] * self.shuffled + ["paper's form"] * self.paper
        return ", ".join(parts)


@dataclass(frozen=True)
class Arm:
    """One way to go on from the original network.

    Attributes:
        name: Name in results and tables; random arms of several draws share one.
        teacher: Teacher 1; None leaves the word to the original network.
        settings: What differs from the dataset's distillation parameters.
    """

    name: str
    teacher: Teacher | None
    settings: dict[str, Any]


HARD = {"alpha": 0.0, "beta": 1.0, "transfer": "train"}
PAPER = {"temperature_reasoner": 3.0}
UNMODIFIED, EDITED = Teacher("unmodified"), Teacher("edited")
CONTROLS = (Teacher("unmodified", same_copies=True), Teacher("edited", shuffled=True))
DISTILLED_DRAWS = 2
"""Random draws that are distilled over training images and over both; over the pool all are."""


def all_arms(random_draws: int) -> list[Arm]:
    """Return every arm.

    Args:
        random_draws: Random edits drawn per seed. Every draw makes a teacher and a student over the
            pool; the first two also students over training images and over both.
    """
    arms = [
        Arm("hard labels", None, HARD),
        Arm("self-training, pool", None, {"transfer": "pool"}),
        Arm("self-training, both", None, {"transfer": "both"}),
    ]
    arms += [
        _arm(teacher, transfer)
        for teacher in (UNMODIFIED, EDITED)
        for transfer in ("train", "pool", "both")
    ]
    arms += [_arm(teacher, "pool") for teacher in CONTROLS]
    arms += [
        _arm(Teacher("random", draw), transfer)
        for draw in range(random_draws)
        for transfer in (("pool", "train", "both") if draw < DISTILLED_DRAWS else ("pool",))
    ]
    for mode in ("blank", "transplant"):
        copies = {"edit_augmentation": mode, "edit_augmentation_share": 1.0}
        arms.append(Arm(f"hard labels + {mode}", EDITED, HARD | copies))
        arms.append(Arm(f"edited, both + {mode}", EDITED, {"transfer": "both"} | copies))
    arms += [
        _arm(teacher, transfer, PAPER)
        for teacher, transfer in (
            (replace(UNMODIFIED, paper=True), "train"),
            (replace(EDITED, paper=True), "train"),
            (replace(EDITED, paper=True), "pool"),
        )
    ]
    return arms


def by_transfer(arms: Sequence[Arm]) -> list[Arm]:
    """Return arms over the same images one after the other."""
    return sorted(arms, key=lambda arm: str(arm.settings["transfer"]))


def teachers_of(arms: Sequence[Arm]) -> list[Teacher]:
    """Return every teacher once, the unmodified graphs' first: copies are made by its matching."""
    found = dict.fromkeys([UNMODIFIED, EDITED])
    return list(found | dict.fromkeys(arm.teacher for arm in arms if arm.teacher is not None))


def _arm(teacher: Teacher, transfer: str, settings: dict[str, Any] | None = None) -> Arm:
    return Arm(f"{teacher.name}, {transfer}", teacher, {"transfer": transfer} | (settings or {}))
