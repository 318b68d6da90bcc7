import pytest
import torch

from models.saliency_grid.agreement import compare_all, compare_marks


def test_overlap_and_kappa_are_the_hand_computed_ones():
    first = torch.tensor([1.0, 1, 0, 0, 0, 0, 1, 0, 0, 0])
    second = torch.tensor([1.0, 0, 0, 0, 0, 0, 1, 1, 0, 0])
    found = compare_marks(first, second)
    assert found.overlap == pytest.approx(2 / 4)
    # Observed 8 of 10; by chance 0.3 * 0.3 + 0.7 * 0.7 = 0.58.
    assert found.kappa == pytest.approx((0.8 - 0.58) / 0.42)
    assert found.contradicted == ()


def test_the_strength_of_a_mark_is_no_disagreement_but_its_sign_is():
    found = compare_marks(torch.tensor([1.0, 0.5, -1, 0]), torch.tensor([0.2, -0.5, -1, 0]))
    assert found.contradicted == (1,)
    assert found.overlap == pytest.approx(2 / 3)


def test_agreement_does_not_depend_on_who_is_first_and_is_1_with_oneself():
    draw = torch.Generator().manual_seed(0)
    first, second = torch.randint(-1, 2, (2, 60), generator=draw).float()
    assert compare_marks(first, second) == compare_marks(second, first)
    same = compare_marks(first, first)
    assert (same.overlap, same.kappa, same.contradicted) == (1, 1, ())
    assert abs(compare_marks(first, second).kappa) < 0.3


def test_two_who_leave_everything_alone_agree_but_not_beyond_chance():
    found = compare_marks(torch.zeros(5), torch.zeros(5))
    assert (found.overlap, found.kappa) == (1, None)
    opposite = compare_marks(torch.ones(5), torch.zeros(5))
    assert (opposite.overlap, opposite.kappa) == (0, 0)


def test_other_cells_are_refused():
    with pytest.raises(ValueError, match="same cells"):
        compare_marks(torch.zeros(3), torch.zeros(4))
    with pytest.raises(ValueError, match="same cells"):
        compare_marks(torch.zeros(0), torch.zeros(0))


def test_several_are_compared_pair_by_pair():
    weights = torch.tensor([[1.0, 1, 0, 0], [1, 0, 0, 0], [-1, 0, 0, 1]])
    found = compare_all(weights)
    pairs = [compare_marks(weights[i], weights[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert [pair.overlap for pair in pairs] == [0.5, 0, 0]
    assert found.overlap == pytest.approx(0.5 / 3)
    assert found.kappa == pytest.approx(sum(pair.kappa for pair in pairs) / 3)
    assert found.contradicted == (0,)
    assert compare_all(torch.zeros(3, 5)).kappa is None
    with pytest.raises(ValueError, match="two reviewers"):
        compare_all(weights[:1])
