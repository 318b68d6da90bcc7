import math
from dataclasses import replace

import pytest
import torch

import tasks.channels.concept_graph.evidence as evidence
from models.concept_graph.explanation import contributions, mean_own_contributions
from tasks.channels.concept_graph.evidence import Accuracies, class_evidence, crop_name, draw_crops
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import load_graphs, load_matched, load_reasoner
from tasks.channels.concept_graph.segmenting import load_universe


@pytest.fixture(scope="module")
def parts(staged):
    universe = load_universe(staged.work, staged.basis)
    matched = load_matched(staged.work, staged.reasoner)
    shares = contributions(load_reasoner(staged.work, staged.reasoner), matched)
    own = universe.under_review
    chosen = replace(
        shares, nodes=shares.nodes[own], edges=shares.edges[own], logits=shares.logits[own]
    )
    means = mean_own_contributions(chosen, universe.local_labels[own])
    bank, graphs = (
        load_bank(staged.work, staged.concepts),
        load_graphs(staged.work, staged.concepts),
    )
    return universe, bank, graphs, means


def describe(parts, *, bank=None, position=0):
    universe, mined, graphs, means = parts
    known = Accuracies(classifier=0.75, reasoner=None, n_images=10)
    return class_evidence(universe, bank or mined, graphs[position], means, position, known)


@pytest.mark.parametrize("position", [0, 1])
def test_a_class_is_described_by_its_graph_and_all_its_concepts(parts, position):
    _, bank, graphs, means = parts
    graph, shown = graphs[position], describe(parts, position=position)
    assert shown.class_name == graph.class_name
    assert f"sha256:{shown.base_cscg}" == graph.revision
    assert shown.slots == graph.concepts
    assert shown.node_contributions == pytest.approx(means.nodes[position].tolist())
    assert [(edge.src, edge.dst) for edge in shown.edges] == [(0, 1), (1, 0)]
    assert [e.contribution for e in shown.edges] == pytest.approx(means.edges[position].tolist())
    ids = {bank.concept_ids[row] for row in bank.of_class(graph.class_id)}
    assert {card.concept_id for card in shown.candidates} == ids
    assert (shown.accuracy, shown.reasoner_accuracy, shown.n_images) == (0.75, None, 10)


def test_candidates_come_popular_first_then_by_score(parts):
    shown = describe(parts).candidates
    keys = [(not card.popular, -(card.score or 0.0)) for card in shown]
    assert keys == sorted(keys)


def test_concepts_of_the_graph_are_shown_however_many_there_are(parts, monkeypatch):
    monkeypatch.setattr(evidence, "MAX_CANDIDATES", 2)
    shown = describe(parts)
    assert {card.concept_id for card in shown.candidates} == set(shown.slots)


def test_what_is_not_known_is_none_and_never_nan(parts):
    bank = parts[1]
    unknown = torch.full_like(bank.tcav_score, math.nan)
    blind = replace(
        bank,
        tcav_score=unknown,
        tcav_low=unknown,
        tcav_high=unknown,
        p_value=unknown,
        uniqueness=torch.full_like(bank.uniqueness, math.inf),
    )
    for card in describe(parts, bank=blind).candidates:
        assert card.tcav_score is card.tcav_low is card.tcav_high is card.p_value is None
        assert card.uniqueness is None
    assert "NaN" not in describe(parts, bank=blind).model_dump_json()


def test_the_background_is_what_the_gate_leaves_out(parts):
    bank = parts[1]
    gated = replace(bank, gate_share=torch.linspace(0, 1, len(bank)))
    for card in describe(parts, bank=gated).candidates:
        row = bank.row(card.concept_id)
        assert card.background_share == pytest.approx(1 - row / (len(bank) - 1), abs=1e-6)


def test_the_closest_concept_is_one_of_another_class(parts):
    bank = parts[1]
    for card in describe(parts).candidates:
        assert card.closest_other.startswith("squares/")
        assert -1.0001 <= card.closest_other_cosine <= 1.0001
    # Two concepts of different classes at one place are as alike as can be.
    centres = bank.centres.clone()
    twin = bank.of_class(2)[1]
    centres[bank.of_class(0)[0]] = centres[twin]
    alike = describe(parts, bank=replace(bank, centres=centres)).candidates
    card = next(c for c in alike if c.concept_id == bank.concept_ids[bank.of_class(0)[0]])
    assert card.closest_other == bank.concept_ids[twin]
    assert card.closest_other_cosine == pytest.approx(1.0, abs=1e-5)


def test_every_exemplar_has_a_crop_of_its_name(parts):
    universe, bank = parts[0], parts[1]
    crops = draw_crops(universe, bank)
    for card in describe(parts).candidates:
        assert len(card.exemplars) == len(crops[card.concept_id]) > 0
        for position, exemplar in enumerate(card.exemplars):
            assert exemplar.file == crop_name(card.concept_id, position)
            assert exemplar.image.startswith("train/bars/")
            x0, y0, x1, y1 = exemplar.box
            assert 0 <= x0 < x1 <= 64
            assert 0 <= y0 < y1 <= 64


def test_names_of_crops_hold_nothing_of_a_class_name():
    assert crop_name("../../etc/k01", 3).startswith("crops/")
    assert ".." not in crop_name("../../etc/k01", 3)
    assert crop_name("a/k01", 0) != crop_name("b/k01", 0) != crop_name("b/k01", 1)
