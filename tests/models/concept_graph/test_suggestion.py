import math

import pytest
import torch

from models.concept_graph import suggestion
from models.concept_graph.suggestion import suggest_classes
from models.metrics import pool_confusion, soft_confusion


def validation_matrix(n, confused):
    matrix = torch.full((n, n), 0.01, dtype=torch.float64)
    for (i, j), share in confused.items():
        matrix[i, j] = share
    return matrix


def test_the_most_confused_group_is_found_and_explained():
    confused = {(1, 4): 0.3, (4, 1): 0.1, (4, 2): 0.2, (2, 4): 0.2, (0, 3): 0.25}
    result = suggest_classes(validation_matrix(6, confused), None, 3)
    assert result.class_ids == (1, 2, 4)
    assert [(pair.first, pair.second) for pair in result.pairs] == [(1, 4), (2, 4), (1, 2)]
    assert result.pairs[0].validation == pytest.approx(0.2)
    assert math.isnan(result.pairs[0].pool)
    assert result.score == pytest.approx(0.2 + 0.2 + 0.01)


def test_a_shortcut_that_only_breaks_in_the_pool_is_seen():
    probs = torch.tensor([[0.5, 0.01, 0.49], [0.5, 0.01, 0.49], [0.01, 0.98, 0.01]])
    labelled = torch.eye(3, dtype=torch.float64)
    assert suggest_classes(labelled, pool_confusion(probs), 2).class_ids == (0, 2)


def test_both_estimates_speak_of_the_same_share():
    # Images of two classes, each giving 10 % to the other: conditional confusion 0.1, in the pool
    # 0.1 * 0.9.
    probs = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    labels = torch.tensor([0, 1])
    pair = suggest_classes(soft_confusion(probs, labels), pool_confusion(probs), 2).pairs[0]
    assert pair.validation == pytest.approx(0.1, abs=1e-6)
    assert pair.pool == pytest.approx(0.09, abs=1e-6)


def test_a_class_without_validation_images_is_judged_by_the_pool():
    validation = validation_matrix(3, {(0, 1): 0.05, (1, 0): 0.05})
    validation[2] = float("nan")
    probs = torch.tensor([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
    result = suggest_classes(validation, pool_confusion(probs), 2)
    assert result.class_ids == (0, 2)
    assert math.isfinite(result.score)


def test_renumbering_the_classes_renumbers_the_answer():
    generator = torch.Generator().manual_seed(5)
    matrix = torch.rand(7, 7, generator=generator, dtype=torch.float64)
    order = torch.randperm(7, generator=generator)
    first = suggest_classes(matrix, None, 3).class_ids
    second = suggest_classes(matrix[order][:, order], None, 3).class_ids
    assert {int(order[c]) for c in second} == set(first)


def test_growing_groups_finds_a_clear_group_too(monkeypatch):
    monkeypatch.setattr(suggestion, "_EXACT_LIMIT", 0)
    confused = {(i, j): 0.3 for i in (1, 5, 6) for j in (1, 5, 6) if i != j}
    assert suggest_classes(validation_matrix(9, confused), None, 3).class_ids == (1, 5, 6)


def test_all_classes_may_be_asked_for_but_not_more():
    matrix = validation_matrix(3, {})
    assert suggest_classes(matrix, None, 3).class_ids == (0, 1, 2)
    with pytest.raises(ValueError, match=r"2\.\.3 classes \(got 4\)"):
        suggest_classes(matrix, None, 4)
