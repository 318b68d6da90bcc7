import json

import pytest
import torch

from models.concept_graph.ensemble import ReasonerEnsemble
from models.concept_graph.graph import ClassGraph, ImageGraphs
from models.concept_graph.params import ReasonerParams
from models.concept_graph.reasoner import GraphReasoner
from tests.models.concept_graph.image_graphs import random_image_graphs

PARAMS = ReasonerParams(node_dims=(8, 4), edge_dims=(3, 2))
B, N, K, D = 7, 2, 3, 5


def _member(seed: int, n: int = N) -> GraphReasoner:
    graphs = [ClassGraph(i, str(i), ("a", "b", "c"), ("auto",) * 6) for i in range(n)]
    return GraphReasoner(graphs, D, PARAMS, seed=seed)


def _graphs() -> ImageGraphs:
    return random_image_graphs(B, N, K, D, absent=0.3)


def test_the_logits_are_the_mean_of_the_members() -> None:
    members = [_member(seed).eval() for seed in range(3)]
    expected = sum(one.reason(_graphs()).logits for one in members) / 3
    torch.testing.assert_close(ReasonerEnsemble(members).logits(_graphs()), expected)


def test_one_member_is_the_reasoner_itself() -> None:
    member = _member(4).eval()
    expected = member.reason(_graphs()).logits
    assert torch.equal(ReasonerEnsemble([member]).logits(_graphs()), expected)


def test_asking_leaves_the_mode_and_needs_no_images() -> None:
    ensemble = ReasonerEnsemble([_member(0), _member(1)]).train()
    none = _graphs().select(torch.zeros(B, dtype=torch.bool))
    assert ensemble.logits(none).shape == (0, N)
    assert ensemble.training
    assert all(one.training for one in ensemble.reasoners)


def test_an_ensemble_is_rebuilt_from_its_config_and_weights() -> None:
    ensemble = ReasonerEnsemble([_member(0), _member(1)]).eval()
    again = ReasonerEnsemble.from_config(json.loads(json.dumps(ensemble.config())))
    again.load_state_dict(ensemble.state_dict())
    assert torch.equal(again.logits(_graphs()), ensemble.logits(_graphs()))


def test_members_over_other_graphs_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        ReasonerEnsemble([_member(0), _member(1, n=3)])
    with pytest.raises(ValueError, match="one shape"):
        ReasonerEnsemble([])
