from dataclasses import replace

import pytest
import torch

from benchmarks.carrying import describe, make_table
from benchmarks.halves import halves, similarities_as_kept, similarities_at_full_size
from benchmarks.readme import stored_rows
from benchmarks.twins import TwinCounts, count_twins, quantiles, same_and_best_other, total
from models.classifier import build_classifier
from models.concept_graph.embedding import embed_segments
from models.concept_graph.params import ClusterParams, SegmentParams
from models.concept_graph.segments import segment_images
from models.params import ClassifierParams
from tests.models.concept_graph.exemplar_banks import bank_of

ALIKE = torch.tensor([[0.9, 0.85, 0.1], [0.8, 0.7, 0.2], [0.0, 0.3, 0.6]])
SWAPPED = torch.tensor([[0.7, 0.9], [0.2, 0.1]])


@pytest.mark.parametrize(
    ("threshold", "right", "unmatched"),
    # 0.85 and 0.8 are more alike than the second's own 0.7, but their concepts are taken by then.
    [(0.95, 0, 3), (0.75, 1, 2), (0.65, 2, 1), (0.5, 3, 0)],
)
def test_pairs_are_one_to_one_and_the_most_alike_come_first(threshold, right, unmatched):
    found = count_twins(ALIKE, threshold)
    assert (found.right, found.wrong, found.unmatched) == (right, 0, unmatched)


@pytest.mark.parametrize(("threshold", "mistaken"), [(0.86, 0), (0.84, 1), (-1.0, 1)])
def test_a_concept_that_is_gone_is_mistaken_when_one_of_those_left_is_free(threshold, mistaken):
    # Without column 0, row 0 takes column 1 at 0.85. Without column 1, row 1 finds column 0 taken
    # at 0.9 and column 2 at 0.6; without column 2, row 2 finds both taken, however low the bar.
    assert count_twins(ALIKE, threshold).mistaken == mistaken


def test_a_concept_more_like_another_is_a_wrong_pair():
    found = count_twins(SWAPPED, 0.5)
    # Without column 0 the first row still takes column 1; without column 1 it takes column 0, so
    # that the second row has none.
    assert found == TwinCounts(concepts=2, right=0, wrong=1, unmatched=1, mistaken=1)


def test_the_only_concept_of_a_class_cannot_be_mistaken():
    only = torch.tensor([[0.9]])
    assert count_twins(only, 0.5) == TwinCounts(1, 1, 0, 0, 0)
    same, other = same_and_best_other(only)
    assert (len(same), len(other)) == (1, 0)
    assert quantiles(other) == {}


def test_the_best_other_is_never_the_concept_itself():
    same, other = same_and_best_other(ALIKE)
    torch.testing.assert_close(same, torch.tensor([0.9, 0.7, 0.6]))
    torch.testing.assert_close(other, torch.tensor([0.85, 0.8, 0.3]))


def test_quantiles_are_those_of_sorted_values():
    assert quantiles(torch.arange(11.0)) == {"0.1": 1, "0.25": 2.5, "0.5": 5, "0.75": 7.5, "0.9": 9}


def test_classes_are_matched_apart_and_added_up():
    at = describe([ALIKE, SWAPPED])["thresholds"]["0.50"]
    assert at == {"concepts": 5, "right": 3, "wrong": 1, "unmatched": 1, "mistaken": 2}
    assert total([count_twins(ALIKE, 0.5), count_twins(SWAPPED, 0.5)]).to_json() == at


def test_tables_of_two_kinds_of_images_can_be_joined():
    found = {"as kept": describe([ALIKE])}
    documents = [{"result": {"table": make_table(name, found)}} for name in ("a", "b")]
    rows = stored_rows(documents)
    assert rows[0][:4] == ["images", "seen", "cosine at least", "concepts"]
    assert rows[1] == ["a", "as kept", "0.50", "3", "3", "0", "0", "1"]
    assert [row[0] for row in rows].count("b") == 10


def test_halves_share_no_exemplar_and_are_equally_typical():
    then, now = halves(bank_of([[4, 7, 2, 9, 5], [1, 3, -1, -1, -1]], [0, 0]))
    assert then.exemplar_segments.tolist() == [[4, 2, 5], [1, -1, -1]]
    assert now.exemplar_segments.tolist() == [[7, 9], [3, -1]]


@pytest.fixture(scope="module")
def seen():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(6, 3, 6, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(64, 64), mode="bicubic")
    images = (smooth.clamp(0, 1) * 255).to(torch.uint8)
    params = ClassifierParams(arch="resnet18", width=0.125, concept_layer="layer2")
    segments = segment_images(images, SegmentParams(n_segments=(6,)), 1)
    return build_classifier(params, 3, seed=0), images, segments


def test_both_views_leave_out_what_has_no_second_half(seen):
    network, images, segments = seen
    first = [int(segments.rows_of_images(torch.tensor([i]))[0]) for i in range(6)]
    bank = bank_of([first[:2], [first[2], -1], first[3:5], [first[5], first[0]]], [0, 0, 0, 2])
    for found in (
        similarities_as_kept(network, images, segments, bank, 64),
        similarities_at_full_size(network, images, segments, bank),
    ):
        assert {class_id: tuple(alike.shape) for class_id, alike in found.items()} == {
            0: (2, 2),
            2: (1, 1),
        }


def test_halves_of_the_same_exemplars_are_one_concept(seen):
    network, images, segments = seen
    rows = [int(segments.rows_of_images(torch.tensor([i]))[0]) for i in range(4)]
    bank = bank_of([[row, row] for row in rows], [0, 0, 0, 0])
    for found in (
        similarities_as_kept(network, images, segments, bank, 64),
        similarities_at_full_size(network, images, segments, bank),
    ):
        torch.testing.assert_close(found[0].diagonal(), torch.ones(4))
        assert float(found[0].min()) < 0.9


def test_at_full_size_a_half_is_the_mean_of_its_first_three(seen):
    network, images, segments = seen
    rows = [int(segments.rows_of_images(torch.tensor([i]))[0]) for i in range(6)]
    a, b, c, d, e, f = rows
    # Four exemplars of then, three of now; the fourth is not looked at.
    bank = bank_of([[a, d, b, e, c, f, d], [f, a, -1, -1, -1, -1, -1]], [0, 0])
    found = similarities_at_full_size(network, images, segments, bank)[0]
    features = embed_segments(network, images, segments, ClusterParams())
    then = torch.stack([features[[a, b, c]].mean(0), features[f]])
    now = torch.stack([features[[d, e, f]].mean(0), features[a]])
    expected = torch.nn.functional.cosine_similarity(
        (then - now.mean(0))[:, None], (now - now.mean(0))[None], dim=2
    )
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    fewer = replace(bank, exemplar_segments=bank.exemplar_segments[:, :6])
    torch.testing.assert_close(
        found, similarities_at_full_size(network, images, segments, fewer)[0]
    )


def test_images_that_need_no_shrinking_are_seen_the_same_both_ways(seen):
    network, images, segments = seen
    rows = [int(segments.rows_of_images(torch.tensor([i]))[0]) for i in range(6)]
    bank = bank_of([rows[:2], rows[2:4], rows[4:]], [0, 0, 0])
    torch.testing.assert_close(
        similarities_as_kept(network, images, segments, bank, 64)[0],
        similarities_at_full_size(network, images, segments, bank)[0],
        rtol=1e-3, atol=1e-4,
    )  # fmt: skip
