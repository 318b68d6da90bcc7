"""The concept bank: every cluster of every mined class, with what is known about it.

Shape legend: M concepts of all classes · D features. Unpopular clusters stay in the bank: they are
the pool from which a reviewer takes replacements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class ConceptBank:
    """Concepts of one or more classes; one row per concept, rows of a class together.

    Attributes:
        concept_ids: Unique names such as ``type_001/k07``.
        class_ids: Owner class index (M,), int64.
        centres: Cluster centres (M, D), float32.
        thresholds: Largest distance at which a concept counts as detected (M,), plain L2.
        n_segments: Member segments (M,), int64.
        n_images: Distinct images among the members (M,), int64.
        popular: Whether the cluster passed the popularity rules (M,), bool.
        tcav_score: Share of class images whose logit rises along the concept's CAVs, mean over the
            random sets (M,), [0, 1]; NaN until scored.
        tcav_low: Lower end of the interval of ``tcav_score`` over random sets (M,).
        tcav_high: Upper end (M,).
        tcav_magnitude: Mean directional derivative of the class logit along the unit CAV (M,),
            logits per unit of feature distance; positive supports the class.
        p_value: Welch test against random-versus-random scores (M,), [0, 1].
        significant: Kept by Benjamini-Hochberg (M,), bool.
        gate_share: Mean share of the members' area inside the Grad-CAM gate (M,), [0, 1].
        detection_rate: Share of the class's mined images in which the concept is detected (M,), [0,
            1].
        uniqueness: Distance to the nearest concept of another class, in units of the own threshold
            (M,); infinite while the bank holds one class.
        margin_fall: Mean fall of the class's margin over the other classes under review when the
            concept is blanked in images (M,), logits; NaN where that was not measured.
        score: Ranking key (M,): the fall of the margin where it was measured, else the TCAV
            magnitude, or the share of images with a member until TCAV has run.
        exemplar_segments: Members closest to the centre, from distinct images (M, n), rows of the
            mined ``SegmentSet``, int64, -1 where there are fewer.
    """

    concept_ids: tuple[str, ...]
    class_ids: Tensor
    centres: Tensor
    thresholds: Tensor
    n_segments: Tensor
    n_images: Tensor
    popular: Tensor
    tcav_score: Tensor
    tcav_low: Tensor
    tcav_high: Tensor
    tcav_magnitude: Tensor
    p_value: Tensor
    significant: Tensor
    gate_share: Tensor
    detection_rate: Tensor
    uniqueness: Tensor
    margin_fall: Tensor
    score: Tensor
    exemplar_segments: Tensor

    def __post_init__(self) -> None:
        n = len(self.concept_ids)
        if len(set(self.concept_ids)) != n:
            raise ValueError("expected distinct concept ids (got a repeated one)")
        for name in _tensor_names():
            n_rows = len(getattr(self, name))
            if n_rows != n:
                raise ValueError(f"expected {n} rows of {name}, one per concept id (got {n_rows})")

    def __len__(self) -> int:
        return len(self.concept_ids)

    def row(self, concept_id: str) -> int:
        """Return the row of a concept.

        Raises:
            KeyError: If the bank has no such concept.
        """
        if concept_id not in self.concept_ids:
            raise KeyError(f"expected a concept of the bank (got {concept_id!r})")
        return self.concept_ids.index(concept_id)

    def of_class(self, class_id: int) -> list[int]:
        """Return the rows of one class in bank order."""
        return (self.class_ids == class_id).nonzero().flatten().tolist()

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, list[str]]]:
        """Split the bank into tensors (for safetensors) and JSON-ready names."""
        tensors = {name: getattr(self, name).cpu().contiguous() for name in _tensor_names()}
        return tensors, {"concept_ids": list(self.concept_ids)}

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, Tensor], names: Mapping[str, Sequence[str]]
    ) -> "ConceptBank":
        """Rebuild a bank from what ``to_tensors`` returned.

        Raises:
            ValueError: If a tensor is missing, unknown, or of another length.
        """
        expected = set(_tensor_names())
        if set(tensors) != expected or set(names) != {"concept_ids"}:
            raise ValueError(
                f"expected the tensors {sorted(expected)} and the names ['concept_ids'] "
                f"(got {sorted(tensors)} and {sorted(names)})"
            )
        return cls(concept_ids=tuple(names["concept_ids"]), **dict(tensors))


def merge_banks(banks: Sequence[ConceptBank], offsets: Sequence[int] | None = None) -> ConceptBank:
    """Join the banks of several classes and measure how unique each concept is across them.

    Args:
        banks: One bank per class, at least one.
        offsets: Row at which each class's segments start in the joined ``SegmentSet``, added to
            ``exemplar_segments``; None leaves them as they are.

    Returns:
        One bank with ``uniqueness`` filled in.

    Raises:
        ValueError: If there is no bank, or the offsets do not pair up with the banks.
    """
    if not banks:
        raise ValueError("expected at least one bank to merge (got none)")
    shifts = [0] * len(banks) if offsets is None else list(offsets)
    if len(shifts) != len(banks):
        raise ValueError(f"expected one offset per bank, {len(banks)} (got {len(shifts)})")
    joined = {
        name: torch.cat([getattr(bank, name) for bank in banks])
        for name in _tensor_names()
        if name != "exemplar_segments"
    }
    width = max(bank.exemplar_segments.shape[1] for bank in banks)
    exemplars = [
        torch.nn.functional.pad(
            torch.where(bank.exemplar_segments >= 0, bank.exemplar_segments + shift, -1),
            (0, width - bank.exemplar_segments.shape[1]),
            value=-1,
        )
        for bank, shift in zip(banks, shifts, strict=True)
    ]
    merged = ConceptBank(
        concept_ids=tuple(name for bank in banks for name in bank.concept_ids),
        exemplar_segments=torch.cat(exemplars),
        **joined,
    )
    distances = torch.cdist(merged.centres, merged.centres)
    same = merged.class_ids[:, None] == merged.class_ids[None, :]
    nearest = distances.masked_fill(same, float("inf")).amin(1)
    return replace(merged, uniqueness=nearest / merged.thresholds.clamp_min(1e-12))


def top_concepts(bank: ConceptBank, class_id: int, k: int) -> list[int]:
    """Return up to ``k`` rows of a class, best first: popular, then significant, then by score.

    Where the fall of the margin was measured the network's own answer ranks, and the significance
    of a direction does not.

    Args:
        bank: Concepts of any classes.
        class_id: Owner class.
        k: How many.

    Returns:
        Rows of the bank; fewer than ``k`` when the class has fewer concepts.
    """

    def key(row: int) -> tuple[bool, bool, float, int]:
        score = float(bank.score[row])
        return (
            not bool(bank.popular[row]),
            not bool(bank.significant[row]) and bool(bank.margin_fall[row].isnan()),
            -score if score == score else float("inf"),  # NaN last
            row,
        )

    return sorted(bank.of_class(class_id), key=key)[:k]


def _tensor_names() -> list[str]:
    return [field.name for field in fields(ConceptBank) if field.name != "concept_ids"]
