"""Differences between two arms of classifiers tested on the same images.

Shape legend: S seeds (students trained per arm) · B test images · R resamples. NumPy rather than
torch: thousands of small resamples.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Correct = NDArray[np.bool_]
Floats = NDArray[np.float64]
Scores = Correct | Floats
"""Whether each answer is right, or how good it is."""


@dataclass(frozen=True)
class PairedDifference:
    """Candidate's accuracy minus the reference's, with its uncertainty; all in [-1, 1].

    Attributes:
        mean: Difference, positive when the candidate is better.
        low: Lower end of the two-sided interval.
        high: Upper end of the two-sided interval.
        p_value: Two-sided probability of a difference this large if there were none, in (0, 1].
        confidence: Level of the interval.
        n_seeds: Seeds of the candidate.
        n_images: Test images; 0 where only the seeds' differences were given.
    """

    mean: float
    low: float
    high: float
    p_value: float
    confidence: float
    n_seeds: int
    n_images: int

    def to_dict(self) -> dict[str, float]:
        """Return all numbers by name."""
        return asdict(self)


def paired_bootstrap(
    *,
    candidate: Scores,
    reference: Scores,
    labels: NDArray[np.int64],
    class_ids: Sequence[int],
    confidence: float = 0.95,
    n_bootstrap: int = 4000,
    seed: int = 0,
) -> PairedDifference:
    """Bootstrap the difference in mean-of-classes accuracy, or another score per image.

    Seeds and images are resampled independently of each other (the two-way bootstrap of Owen 2007,
    which errs on the side of wide intervals); images within their class, so that a class never
    vanishes, and the same ones for both arms, which is what pairs them. Arms with equally many
    seeds are paired by seed as well. Each level of size m is resampled with m - 1 draws (Rao and Wu
    1988): with m draws, three seeds would show a third too little variance. The interval is the
    percentile interval. A class with a single image says nothing about its spread, so the interval
    is then the whole range of the scores.

    Args:
        candidate: Whether each seed's student is right on each image (S_a, B), or any score.
        reference: The same for the other arm (S_b, B); one row for a network that was not
            retrained, which then has no variance of its own.
        labels: True class indices (B,).
        class_ids: Classes over which accuracies are averaged; classes without images are left out.
        confidence: Level of the interval.
        n_bootstrap: R.
        seed: Seed of the resampling.

    Returns:
        The difference; NaN throughout when none of the classes has an image.

    Raises:
        ValueError: If shapes do not fit or there is no seed.
    """
    _check_arms(candidate, reference, labels)
    images = [np.flatnonzero(labels == c) for c in sorted(set(class_ids))]
    images = [members for members in images if len(members)]
    n_images = sum(map(len, images))
    if not images:
        nan = math.nan
        return PairedDifference(nan, nan, nan, nan, confidence, len(candidate), 0)
    rng = np.random.default_rng(seed)
    seeds_a = _resample(rng, len(candidate), n_bootstrap)  # (R, S_a)
    is_paired = len(candidate) == len(reference)
    seeds_b = seeds_a if is_paired else _resample(rng, len(reference), n_bootstrap)
    mean = 0.0
    resampled = np.zeros(n_bootstrap)
    for members in images:  # one class at a time keeps memory at R x (images of a class)
        hits_a = candidate[:, members].astype(np.float64)
        hits_b = reference[:, members].astype(np.float64)
        mean += float(hits_a.mean() - hits_b.mean()) / len(images)
        difference = seeds_a @ hits_a - seeds_b @ hits_b  # (R, m)
        weights = _resample(rng, len(members), n_bootstrap)  # (R, m)
        resampled += np.einsum("rm,rm->r", difference, weights) / len(images)
    is_known = min(map(len, images)) > 1
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    widest = float(
        np.ptp(np.concatenate([candidate.ravel(), reference.ravel()]).astype(np.float64))
    )
    low, high = np.quantile(resampled, tails) if is_known else (-max(1.0, widest), max(1.0, widest))
    return PairedDifference(
        mean=mean,
        low=float(low),
        high=float(high),
        p_value=_tail_probability(resampled) if is_known else 1.0,
        confidence=confidence,
        n_seeds=len(candidate),
        n_images=n_images,
    )


def paired_t_interval(differences: Sequence[float], confidence: float = 0.95) -> PairedDifference:
    """Give Student's interval for the mean of per-seed differences between two arms.

    For benchmarks in which every seed has its own images, so that seeds are independent replicates.

    Args:
        differences: Candidate minus reference, one per seed; at least two.
        confidence: Level of the interval.

    Returns:
        The difference with the p-value of the paired t-test.

    Raises:
        ValueError: If there are fewer than two seeds.
    """
    from scipy.special import stdtr, stdtrit

    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"expected differences of at least two seeds (got {values.size})")
    n, mean = len(values), float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(n)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    if error > 0:
        p_value = 2 * float(stdtr(n - 1, -abs(mean) / error))
    else:  # all seeds agree to the last bit: no evidence at all, or no doubt at all
        p_value = 1.0 if mean == 0 else 0.0
    return PairedDifference(mean, mean - half, mean + half, p_value, confidence, n, 0)


def mcnemar_exact(candidate: Correct, reference: Correct) -> float:
    """Test whether two classifiers err equally often on the same images.

    The exact (binomial) form of McNemar's test: of the images on which exactly one of them is
    right, each is right on half under the null.

    Args:
        candidate: Whether one classifier is right on each image (B,).
        reference: The same for the other (B,).

    Returns:
        Two-sided p-value in (0, 1]; 1 when they are right on the same images.

    Raises:
        ValueError: If the shapes differ.
    """
    if candidate.shape != reference.shape or candidate.ndim != 1:
        raise ValueError(
            f"expected one answer per image from both (got {candidate.shape} and {reference.shape})"
        )
    gained = int((candidate & ~reference).sum())
    lost = int((reference & ~candidate).sum())
    n = gained + lost
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / (1 << n))  # integers to the end: exact for any n


def _resample(rng: np.random.Generator, size: int, n_bootstrap: int) -> Floats:
    """Return weights (R, size), rows summing to 1, of ``size - 1`` draws with replacement."""
    if size == 1:
        return np.ones((n_bootstrap, 1))
    draws = rng.integers(0, size, size=(n_bootstrap, size - 1))
    draws += np.arange(n_bootstrap)[:, None] * size
    counts = np.bincount(draws.ravel(), minlength=n_bootstrap * size)
    return counts.reshape(n_bootstrap, size) / (size - 1)


def _tail_probability(resampled: Floats) -> float:
    """Return twice the share of resamples beyond zero, never 0 (Davison and Hinkley 1997)."""
    tolerance = 1e-12  # sums of the same terms in another order are not exactly zero
    below = int((resampled <= tolerance).sum()) + 1
    above = int((resampled >= -tolerance).sum()) + 1
    return min(1.0, 2 * min(below, above) / (len(resampled) + 1))


def _check_arms(candidate: Scores, reference: Scores, labels: NDArray[np.int64]) -> None:
    for name, arm in (("candidate", candidate), ("reference", reference)):
        if arm.ndim != 2 or not len(arm) or arm.shape[1] != len(labels):
            raise ValueError(
                f"expected {name} answers (seeds, {len(labels)}) with at least one seed "
                f"(got {arm.shape})"
            )
