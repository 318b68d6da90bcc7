import json

import pytest
import torch
from torch import Tensor

from models.concept_graph.graph import ClassGraph, edge_position
from models.concept_graph.params import ReasonerParams
from models.concept_graph.reasoner import Absent, GraphReasoner
from tests.models.concept_graph.image_graphs import make_image_graphs

K, D = 4, 6


def _class_graphs(state: dict[int, str] | None = None, n: int = 2) -> list[ClassGraph]:
    edge_state = tuple((state or {}).get(position, "auto") for position in range(K * (K - 1)))
    return [
        ClassGraph(i, f"c{i}", tuple(f"k{slot}" for slot in range(K)), edge_state) for i in range(n)
    ]


def _reasoner(
    state: dict[int, str] | None = None, *, seed: int = 0, absent: Absent = "learned", **params: int
) -> GraphReasoner:
    return GraphReasoner(
        _class_graphs(state), D, ReasonerParams(**params), absent=absent, seed=seed
    ).eval()


def _inputs(b: int = 3, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(b, 2, K, D, generator=generator),
        torch.rand(b, 2, K, generator=generator) > 0.2,
        torch.rand(b, 2, K, 2, generator=generator),
    )


def test_the_graph_vector_holds_all_nodes_then_all_edges() -> None:
    output = _reasoner()(*_inputs())
    assert output.logits.shape == (3, 2)
    assert output.graph_vectors.shape == (3, 2, 4 * 32 + 12 * 5)  # 188, as in VRX


def test_the_seed_alone_decides_the_weights() -> None:
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    first, again, other = _reasoner(seed=4), _reasoner(seed=4), _reasoner(seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert not torch.equal(first.dependency, other.dependency)


def test_the_order_of_images_does_not_matter() -> None:
    reasoner, inputs = _reasoner(), _inputs(5)
    order = torch.tensor([3, 0, 4, 1, 2])
    straight = reasoner(*inputs).logits
    shuffled = reasoner(*(values[order] for values in inputs)).logits
    torch.testing.assert_close(shuffled, straight[order])


def test_a_removed_edge_has_zeros_in_the_graph_vector_and_no_gradient() -> None:
    removed = edge_position(K, 1, 2)
    reasoner = _reasoner({removed: "removed"})
    output = reasoner(*_inputs())
    edges = output.graph_vectors[:, :, K * 32 :].unflatten(2, (-1, 5))
    assert (edges[:, :, removed] == 0).all()
    output.logits.sum().backward()
    assert reasoner.dependency.grad is not None
    assert (reasoner.dependency.grad[:, removed] == 0).all()
    assert (reasoner.dependency.grad != 0).sum() == 2 * 11


def test_a_node_cut_off_by_removed_edges_changes_no_other_node() -> None:
    outgoing = {edge_position(K, 1, target): "removed" for target in (0, 2, 3)}
    nodes, present, positions = _inputs()
    present = torch.ones_like(present)
    changed = nodes.clone()
    changed[:, :, 1] += 5
    for reasoner, is_same in ((_reasoner(outgoing), True), (_reasoner(), False)):
        before = reasoner(nodes, present, positions).graph_vectors
        after = reasoner(changed, present, positions).graph_vectors
        others = [0, 2, 3]
        kept = [v[:, :, : K * 32].unflatten(2, (K, 32))[:, :, others] for v in (before, after)]
        assert torch.equal(kept[0], kept[1]) is is_same


def test_an_added_edge_starts_at_one_and_never_falls_below_its_floor() -> None:
    added = edge_position(K, 0, 3)
    reasoner = _reasoner({added: "added"})
    assert (reasoner.dependency[:, added] == 1).all()
    with torch.no_grad():
        reasoner.dependency.fill_(-2.0)
    effective = reasoner.effective_dependency()
    assert (effective[:, added] > 0).all()
    assert (effective[:, 0] == -2).all() if added != 0 else True
    reasoner.project_dependency()
    assert torch.equal(reasoner.dependency, effective)


@pytest.mark.parametrize("absent", ["learned", "ones", "masked"])
def test_what_was_not_detected_cannot_leak_its_segment(absent: Absent) -> None:
    reasoner = _reasoner(absent=absent)
    nodes, present, positions = _inputs()
    present[:, :, 2] = False
    other_nodes, other_positions = nodes.clone(), positions.clone()
    other_nodes[:, :, 2] += 3
    other_positions[:, :, 2] = 0.9
    assert torch.equal(
        reasoner(nodes, present, positions).logits,
        reasoner(other_nodes, present, other_positions).logits,
    )


def test_a_masked_absent_concept_leaves_zeros_in_the_graph_vector() -> None:
    nodes, present, positions = _inputs()
    present[:, :, 2] = False
    vectors = _reasoner(absent="masked")(nodes, present, positions).graph_vectors
    assert (vectors[:, :, : K * 32].unflatten(2, (K, 32))[:, :, 2] == 0).all()


def test_standardising_makes_the_detected_training_nodes_unit_normal() -> None:
    nodes, _, positions = _inputs(40)
    nodes = 7 + 3 * nodes
    graphs = make_image_graphs(nodes, positions=positions)
    reasoner = _reasoner()
    reasoner.standardise_from(graphs)
    h = reasoner.standardise(nodes, graphs.present).flatten(0, 2)
    torch.testing.assert_close(h.mean(dim=0), torch.zeros(D), atol=1e-5, rtol=0)
    torch.testing.assert_close(h.std(dim=0), torch.ones(D))


@pytest.mark.parametrize("hidden", [0, 8])
def test_a_reasoner_is_rebuilt_from_json_and_tensors(hidden: int) -> None:
    reasoner = _reasoner({0: "removed", 5: "added"}, seed=3, hidden=hidden)
    again = GraphReasoner.from_config(json.loads(json.dumps(reasoner.config()))).eval()
    again.load_state_dict(reasoner.state_dict())
    assert torch.equal(again(*_inputs()).logits, reasoner(*_inputs()).logits)
    assert torch.equal(again.edge_mask, reasoner.edge_mask)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")
@pytest.mark.parametrize("absent", ["learned", "masked"])
def test_the_exported_reasoner_takes_any_number_of_images(absent: Absent) -> None:
    reasoner = _reasoner(absent=absent)
    batch = torch.export.Dim("batch", min=1, max=4096)
    exported = torch.export.export(
        reasoner, _inputs(2), dynamic_shapes=({0: batch}, {0: batch}, {0: batch})
    ).module()
    for b in (1, 2, 7):
        torch.testing.assert_close(exported(*_inputs(b)).logits, reasoner(*_inputs(b)).logits)


@pytest.mark.gpu
def test_a_gpu_reasons_as_the_cpu_does() -> None:
    reasoner, inputs = _reasoner(), _inputs()
    expected = reasoner(*inputs).logits
    actual = reasoner.cuda()(*(values.cuda() for values in inputs)).logits
    torch.testing.assert_close(actual.cpu(), expected, rtol=1e-3, atol=1e-4)
