"""The arms of the comparison: who teaches, over which images, with or without altered copies."""

from dataclasses import dataclass
from typing import Any, Literal

Graphs = Literal["none", "unmodified", "edited", "random"]


@dataclass(frozen=True)
class Arm:
    """One way to go on from the original network.

    Attributes:
        name: Name in results and tables.
        graphs: Class graphs of teacher 1; ``none`` leaves the word to the original network.
        settings: What differs from the dataset's distillation parameters.
        draw: Which draw of random edits.
    """

    name: str
    graphs: Graphs
    settings: dict[str, Any]
    draw: int = 0


HARD = {"alpha": 0.0, "beta": 1.0, "transfer": "train"}


def all_arms(random_draws: int) -> list[Arm]:
    """Return every arm.

    Args:
        random_draws: Random edits drawn per seed, each taught over the pool and over both.
    """
    arms = [
        Arm("hard labels", "none", HARD),
        Arm("self-training, pool", "none", {"transfer": "pool"}),
        Arm("self-training, both", "none", {"transfer": "both"}),
    ]
    teaching: tuple[Graphs, ...] = ("unmodified", "edited")
    arms += [
        Arm(f"{graphs}, {transfer}", graphs, {"transfer": transfer})
        for graphs in teaching
        for transfer in ("train", "pool", "both")
    ]
    arms += [
        Arm(f"random, {transfer}", "random", {"transfer": transfer}, draw)
        for draw in range(random_draws)
        for transfer in ("pool", "both")
    ]
    for mode in ("blank", "transplant"):
        copies = {"edit_augmentation": mode, "edit_augmentation_share": 1.0}
        arms.append(Arm(f"hard labels + {mode}", "edited", HARD | copies))
        arms.append(Arm(f"edited, both + {mode}", "edited", {"transfer": "both"} | copies))
    return arms
