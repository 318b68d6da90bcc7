"""Concept banks of which a test says only what it is about."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.concept_graph.bank import ConceptBank


def make_bank(concept_ids: Sequence[str], centres: Tensor, **changes: Tensor) -> ConceptBank:
    """Return popular, significant concepts (M,) of class 0 with one segment each and no scores."""
    m = len(concept_ids)
    number, count = torch.zeros(m), torch.ones(m, dtype=torch.int64)
    flag = torch.ones(m, dtype=torch.bool)
    values = {
        "class_ids": torch.zeros(m, dtype=torch.int64),
        "thresholds": torch.ones(m),
        "n_segments": count,
        "n_images": count,
        "popular": flag,
        "tcav_score": number,
        "tcav_low": number,
        "tcav_high": number,
        "tcav_magnitude": number,
        "p_value": number,
        "significant": flag,
        "gate_share": number,
        "detection_rate": number,
        "uniqueness": number,
        "margin_fall": torch.full((m,), float("nan")),
        "score": number,
        "exemplar_segments": torch.full((m, 1), -1),
    }
    return ConceptBank(concept_ids=tuple(concept_ids), centres=centres, **{**values, **changes})
