import math
from dataclasses import fields, replace

import pytest
import safetensors.torch
import torch

from models.concept_graph.bank import ConceptBank, merge_banks, top_concepts
from tests.models.concept_graph.concept_banks import make_bank

UNSCORED = ("tcav_score", "tcav_low", "tcav_high", "tcav_magnitude", "p_value")


def _bank(class_id: int, centres: list[list[float]], threshold: float = 1.0) -> ConceptBank:
    n = len(centres)
    nan = torch.full((n,), float("nan"))
    return make_bank(
        [f"class_{class_id}/k{i:02d}" for i in range(n)],
        torch.tensor(centres),
        class_ids=torch.full((n,), class_id),
        thresholds=torch.full((n,), threshold),
        n_segments=torch.arange(n) + 20,
        n_images=torch.arange(n) + 10,
        **dict.fromkeys(UNSCORED, nan),
        gate_share=torch.full((n,), 0.8),
        detection_rate=torch.full((n,), 0.5),
        uniqueness=torch.full((n,), math.inf),
        score=torch.arange(n).float(),
        exemplar_segments=torch.tensor([[i, -1] for i in range(n)]),
    )


def test_merged_uniqueness_is_the_distance_to_the_nearest_foreign_concept_in_own_thresholds():
    merged = merge_banks([_bank(0, [[0.0, 0], [3, 0]], 2.0), _bank(1, [[3.0, 4]], 0.5)])
    assert merged.uniqueness.tolist() == pytest.approx([5 / 2, 4 / 2, 4 / 0.5])
    assert merged.concept_ids == ("class_0/k00", "class_0/k01", "class_1/k00")
    assert merged.of_class(1) == [2]
    assert merged.row("class_1/k00") == 2


def test_merging_shifts_exemplars_but_not_their_padding():
    merged = merge_banks([_bank(0, [[0.0]]), _bank(1, [[1.0], [2.0]])], offsets=[0, 100])
    assert merged.exemplar_segments.tolist() == [[0, -1], [100, -1], [101, -1]]


def test_one_class_alone_is_infinitely_unique():
    assert merge_banks([_bank(0, [[0.0], [1.0]])]).uniqueness.tolist() == [math.inf, math.inf]


def test_top_concepts_take_popular_before_significant_before_score():
    bank = replace(
        _bank(0, [[0.0]] * 4),
        popular=torch.tensor([False, True, True, True]),
        significant=torch.tensor([True, False, True, True]),
        score=torch.tensor([9.0, 8.0, 1.0, float("nan")]),
    )
    assert top_concepts(bank, 0, 4) == [2, 3, 1, 0]
    assert top_concepts(bank, 0, 2) == [2, 3]
    assert top_concepts(bank, 7, 2) == []


def test_where_blanking_was_measured_it_ranks_and_significance_does_not():
    falls = torch.tensor([3.0, -1.0, 2.0, 9.0])
    bank = make_bank(
        [f"a/k{row}" for row in range(4)],
        torch.zeros(4, 2),
        popular=torch.tensor([True, True, True, False]),
        significant=torch.tensor([False, True, True, True]),
        margin_fall=falls,
        score=falls,
    )
    assert top_concepts(bank, 0, 4) == [0, 2, 1, 3]


def test_tensors_survive_safetensors():
    bank = merge_banks([_bank(0, [[0.0]]), _bank(1, [[1.0]])])
    tensors, names = bank.to_tensors()
    stored = safetensors.torch.load(safetensors.torch.save(tensors))
    back = ConceptBank.from_tensors(stored, names)
    assert back.concept_ids == bank.concept_ids
    for field in fields(ConceptBank):
        if field.name != "concept_ids":
            torch.testing.assert_close(
                getattr(back, field.name), getattr(bank, field.name), equal_nan=True, rtol=0, atol=0
            )


def test_a_missing_tensor_is_named():
    tensors, names = _bank(0, [[0.0]]).to_tensors()
    del tensors["centres"]
    with pytest.raises(ValueError, match="centres"):
        ConceptBank.from_tensors(tensors, names)


def test_rows_must_pair_up():
    with pytest.raises(ValueError, match="expected 2 rows of score"):
        replace(_bank(0, [[0.0], [1.0]]), score=torch.zeros(3))
