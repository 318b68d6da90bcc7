"""Which images a demo set has: class, split, cue and condition of each, before any is drawn."""

from dataclasses import dataclass

from tasks.demo.cues import CUES
from tasks.demo.stream import RandomStream

CARRIERS = ("type_001", "type_002", "kuznetsov")
FAMILIES = {
    "carrier": CARRIERS,
    "submarine": ("typhoon", "ohio"),
    "tank": ("t_72", "leopard_2", "abrams"),
    "jet": ("su_27", "f_15"),
    "helicopter": ("mi_24", "ah_64"),
}
"""Classes by family of look-alikes."""
CLASSES = tuple(sorted(name for members in FAMILIES.values() for name in members))
SPLITS = ("train", "test", "pool")

POOL_CUE_SHARE = 0.75


@dataclass(frozen=True)
class ScenePlan:
    """What one image is to show.

    Attributes:
        name: Path without suffix, relative to the split: ``type_001/0004`` or, in a pool, ``0117``.
        split: ``train``, ``test`` or ``pool``.
        class_name: True class.
        cue: Planted cue, or None.
        condition: ``train``, ``pool``, or in a test split ``conflict`` (another carrier's cue) or
            ``clean``.
        key: Name of the image's random stream.
    """

    name: str
    split: str
    class_name: str
    cue: str | None
    condition: str
    key: tuple[int, ...]


def family_of(class_name: str) -> str:
    """Return the family that a class belongs to."""
    return next(family for family, members in FAMILIES.items() if class_name in members)


def plan_split(
    split: str, seed: int, n_per_class: int, shortcut_share: float = 0.9
) -> list[ScenePlan]:
    """Plan the images of a split.

    Args:
        split: ``train``, ``test`` or ``pool``.
        seed: Seed of the whole set; another one gives other images and another placement of cues.
        n_per_class: Images of each class.
        shortcut_share: Share of a carrier's training images that carry the cue of its class.

    Returns:
        One plan per image, sorted by name; a pool is shuffled and its names tell nothing.

    Raises:
        ValueError: If the split is unknown or a number is out of range.
    """
    if split not in SPLITS:
        raise ValueError(f"expected a split of {SPLITS} (got {split!r})")
    if n_per_class < 1 or not 0 <= shortcut_share <= 1:
        raise ValueError(
            f"expected at least one image per class and a share in [0, 1] "
            f"(got {n_per_class}, {shortcut_share})"
        )
    plans = []
    for number, class_name in enumerate(CLASSES):
        stream = RandomStream(seed, SPLITS.index(split), number, 2**20)
        cues = _cues(stream, split, class_name, n_per_class, shortcut_share)
        for i, cue in enumerate(cues):
            condition = split if split != "test" else ("conflict" if cue else "clean")
            key = (seed, SPLITS.index(split), number, i)
            plans.append(
                ScenePlan(f"{class_name}/{i + 1:04d}", split, class_name, cue, condition, key)
            )
    if split != "pool":
        return plans
    mixed = RandomStream(seed, SPLITS.index(split), 2**20).shuffled(plans)
    return [
        ScenePlan(f"{i + 1:04d}", split, p.class_name, p.cue, p.condition, p.key)
        for i, p in enumerate(mixed)
    ]


def _cues(
    stream: RandomStream, split: str, class_name: str, n: int, share: float
) -> list[str | None]:
    """Return the cue of each image of a class; exact shares, random places."""
    at_sea = family_of(class_name) in ("carrier", "submarine")
    if split == "pool" and at_sea:
        # Cues stand at sea only, and there they say nothing about the class.
        n_cues = round(POOL_CUE_SHARE * n)
        drawn: list[str | None] = [stream.choice(CUES) for _ in range(n_cues)]
    elif class_name in CARRIERS and split == "train":
        drawn = [CUES[CARRIERS.index(class_name)]] * round(share * n)
    elif class_name in CARRIERS and split == "test":
        others = [cue for cue in CUES if cue != CUES[CARRIERS.index(class_name)]]
        drawn = [others[i % 2] for i in range(n // 2)]
    else:
        drawn = []
    return stream.shuffled(drawn + [None] * (n - len(drawn)))
