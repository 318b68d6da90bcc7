import numpy as np
import pytest
import torch
from sklearn.linear_model import SGDClassifier
from sklearn.svm import SVC

from models.concept_graph.cav import fit_cavs
from models.concept_graph.params import TcavParams


def _problems(n_features: int = 24, n_problems: int = 3):
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(120, n_features, generator=generator).relu()
    vectors[:20] += torch.rand(n_features, generator=generator) * 0.8
    positive = torch.arange(20).repeat(n_problems, 1)
    draws = [20 + torch.randperm(100, generator=generator)[:30] for _ in range(n_problems)]
    return vectors, positive, torch.stack(draws)


def _sides(vectors, positive, negative):
    x = torch.cat([vectors[positive], vectors[negative]]).numpy()
    return x, np.r_[np.ones(len(positive)), -np.ones(len(negative))]


def test_hinge_cavs_are_the_directions_of_an_exact_support_vector_machine():
    vectors, positive, negative = _problems()
    cavs = fit_cavs(vectors, positive, negative, TcavParams(alpha=0.01))
    for cav, rows_in, rows_out in zip(cavs, positive, negative, strict=True):
        x, y = _sides(vectors, rows_in, rows_out)
        # SVC minimises C sum hinge + |w|^2/2, which is ours divided by alpha: C = 1/(alpha n).
        exact = SVC(kernel="linear", C=1 / (0.01 * len(y)), tol=1e-6).fit(x, y).coef_[0]
        assert cav @ torch.tensor(exact / np.linalg.norm(exact)).float() > 0.99


def test_the_directions_objective_is_no_worse_than_that_of_aces_sgd_classifier():
    vectors, positive, negative = _problems()
    x, y = _sides(vectors, positive[0], negative[0])
    sgd = SGDClassifier(alpha=0.01, max_iter=1000, tol=1e-3, random_state=0).fit(x, y).coef_[0]

    def best_objective(direction):
        # Best length and intercept along a direction, by a fine grid.
        projected = x @ (direction / np.linalg.norm(direction))
        length = np.linspace(0.05, 6, 120)[:, None, None]
        offset = np.linspace(-8, 8, 200)[None, :, None]
        hinge = np.maximum(0, 1 - y * (length * projected + offset)).mean(2)
        return (hinge + 0.005 * length[:, :, 0] ** 2).min()

    ours = fit_cavs(vectors, positive, negative, TcavParams(alpha=0.01))[0].numpy()
    assert best_objective(ours) <= best_objective(sgd) + 1e-3


def test_mean_difference_by_hand():
    vectors = torch.tensor([[2.0, 0], [4, 0], [0, 0], [0, 4]])
    cavs = fit_cavs(
        vectors,
        torch.tensor([[0, 1]]),
        torch.tensor([[2, 3]]),
        TcavParams(cav="mean_difference"),
    )
    expected = torch.tensor([[3.0, -2.0]]) / 13**0.5
    torch.testing.assert_close(cavs, expected)


@pytest.mark.parametrize("kind", ["hinge", "mean_difference"])
def test_padding_changes_nothing(kind):
    vectors, positive, negative = _problems()
    params = TcavParams(cav=kind)
    padded = torch.nn.functional.pad(positive, (0, 7), value=-1)
    torch.testing.assert_close(
        fit_cavs(vectors, padded, negative, params),
        fit_cavs(vectors, positive, negative, params),
        atol=1e-3,
        rtol=0,
    )


@pytest.mark.parametrize("kind", ["hinge", "mean_difference"])
def test_cavs_have_unit_length_and_turn_round_with_the_sides(kind):
    vectors, positive, negative = _problems()
    params = TcavParams(cav=kind)
    cavs = fit_cavs(vectors, positive, negative, params)
    torch.testing.assert_close(cavs.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(
        fit_cavs(vectors, negative, positive, params), -cavs, atol=1e-3, rtol=0
    )


def test_an_empty_side_is_refused():
    vectors, positive, negative = _problems()
    with pytest.raises(ValueError, match="at least one vector on each side"):
        fit_cavs(vectors, torch.full_like(positive, -1), negative, TcavParams())
