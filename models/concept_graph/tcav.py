"""Testing with concept activation vectors (TCAV, Kim et al. 2018, arXiv:1711.11279).

Shape legend: S segments · P random segments · B images of the class · D features · M concepts · R
random sets. A CAV lives in the pooled feature space (D); it points towards the concept.
"""

from dataclasses import replace

import torch
from torch import Tensor

from models.concept_graph.bank import ConceptBank
from models.concept_graph.cav import fit_cavs
from models.concept_graph.params import TcavParams
from models.concept_graph.significance import benjamini_hochberg, mean_interval, welch_test

CONFIDENCE = 0.95


def score_concepts(
    bank: ConceptBank,
    members: Tensor,
    embeddings: Tensor,
    class_gradients: Tensor,
    random_embeddings: Tensor,
    params: TcavParams,
    seed: int,
) -> ConceptBank:
    """Score every concept of a class by how the class logit answers to it.

    For image b, ``S_b = v . mean_cells d logit_c / d f_b`` with the unit CAV v; a positive value
    means that features more like the concept raise the class logit. ``TCAV = |{b: S_b > 0}| / B``
    (Eq. 2), one value per random set; the magnitude is the mean of S_b. Concepts larger than a
    random set use their members closest to the centre.

    Deviates from the paper: the gradient is averaged over cells, since the CAV is learnt on pooled
    features; each concept is compared with its own R random-versus-random controls of the same
    sizes by Welch's test, with Benjamini-Hochberg over the concepts; insignificant concepts are
    marked, not dropped; ``score`` becomes the magnitude, because the share saturates at 0 or 1 when
    the head is nearly linear.

    Args:
        bank: Concepts of one class.
        members: Row of the bank each segment belongs to (S,), int64, -1 for none.
        embeddings: Vectors of the segments (S, D), in the space of the bank's centres.
        class_gradients: Spatial mean of d logit_c / d features of the class's images (B, D).
        random_embeddings: Vectors of segments of any images (P, D), from which random sets are
            drawn.
        params: Number and size of the random sets, classifier and level.
        seed: Seed of the random sets.

    Returns:
        The bank with its TCAV fields and ``score`` filled in, on the CPU.

    Raises:
        ValueError: If there are fewer than four random segments, no image, or an empty concept.
    """
    if len(random_embeddings) < 4 or len(class_gradients) == 0:
        raise ValueError(
            "expected at least four random segments and one image of the class "
            f"(got {len(random_embeddings)} and {len(class_gradients)})"
        )
    device = embeddings.device
    vectors = torch.cat([random_embeddings.to(device), embeddings]).float()
    size = min(params.random_size, len(random_embeddings) // 2)
    generator = torch.Generator().manual_seed(seed)
    negative, control = _random_sets(len(random_embeddings), params.n_random, size, generator)
    sets = _closest_members(bank, members.to(device), embeddings, size)
    sets = torch.where(sets >= 0, sets + len(random_embeddings), -1)
    # Problems in order concept, random set; a control has as many positives as its concept.
    shape = (len(bank), params.n_random, size)
    concept_sets = sets[:, None].expand(shape).flatten(0, 1)
    control_sets = torch.where(concept_sets >= 0, _per_concept(control.to(device), shape), -1)
    negatives = _per_concept(negative.to(device), shape)
    directions = fit_cavs(
        vectors,
        torch.cat([concept_sets, control_sets]),
        torch.cat([negatives, negatives]),
        params,
    )
    scores, magnitudes = tcav_scores(class_gradients.to(directions), directions)
    own, controls = scores.view(2, len(bank), params.n_random).cpu()
    magnitude = magnitudes.view(2, len(bank), params.n_random)[0].mean(1).cpu()
    low, high = mean_interval(own, CONFIDENCE)
    p_value = welch_test(own, controls)
    return replace(
        bank,
        tcav_score=own.mean(1),
        tcav_low=low.clamp(0, 1),
        tcav_high=high.clamp(0, 1),
        tcav_magnitude=magnitude,
        p_value=p_value,
        significant=benjamini_hochberg(p_value, params.level),
        score=magnitude.clone(),
    )


def tcav_scores(class_gradients: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share of positive directional derivatives and their mean, per direction.

    Args:
        class_gradients: d logit_c / d features (B, D).
        directions: Unit CAVs (P, D).

    Returns:
        Scores (P,), [0, 1], and magnitudes (P,), logits per unit of feature distance.
    """
    derivatives = class_gradients @ directions.T  # (B, P)
    return (derivatives > 0).float().mean(0), derivatives.mean(0)


def _random_sets(
    n_random_segments: int, n_sets: int, size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw R negative sets and R disjoint control sets, each (R, size)."""
    drawn = torch.stack(
        [torch.randperm(n_random_segments, generator=generator)[: 2 * size] for _ in range(n_sets)]
    )
    return drawn[:, :size], drawn[:, size:]


def _per_concept(sets: Tensor, shape: tuple[int, int, int]) -> Tensor:
    return sets[None].expand(shape).flatten(0, 1)


def _closest_members(bank: ConceptBank, members: Tensor, embeddings: Tensor, size: int) -> Tensor:
    """Return the rows of each concept's closest members (M, size), padded with -1."""
    centres = bank.centres.to(embeddings)
    distance = (embeddings - centres[members.clamp_min(0)]).norm(dim=1)
    sets = members.new_full((len(bank), size), -1)
    for concept in range(len(bank)):
        own = (members == concept).nonzero().flatten()
        if len(own) == 0:
            raise ValueError(
                f"expected members of {bank.concept_ids[concept]} among the segments (got none); "
                "score the bank with the members it was mined with"
            )
        closest = own[distance[own].argsort(stable=True)][:size]
        sets[concept, : len(closest)] = closest
    return sets
