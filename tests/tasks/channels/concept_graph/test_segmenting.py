import pytest
import torch

from tasks.channels.concept_graph.segmenting import (
    load_universe,
    segment_relevant_images,
    universe_logits,
)
from tests.shapes import N_POOL, N_TRAIN

REVIEWED = (0, 2)


@pytest.fixture
def segment(staged):
    def run(train, pool, skip_below):
        logits = {"train": train} | ({} if pool is None else {"pool": pool})
        return segment_relevant_images.fn(
            staged.workplace,
            dataset=staged.dataset,
            predictions=staged.save("predict", tensors={"logits": logits}),
            class_ids=REVIEWED,
            segments=staged.channel.segments,
            training=staged.params.training,
            skip_below=skip_below,
            workers=1,
        )

    return run


def sure_of(class_id, count):
    return 20 * torch.eye(3)[torch.full((count,), class_id)]


def test_labels_count_always_and_other_images_by_their_share(staged, segment):
    # Every image is taken for a disc, but the twelfth and the second of the pool for a bar.
    train, pool = sure_of(1, 3 * N_TRAIN), sure_of(1, N_POOL)
    train[12], pool[1] = sure_of(0, 1)[0], sure_of(2, 1)[0]
    found = segment(train, pool, 0.01)
    rows = staged.tensors(found, "rows")
    bars, squares = range(N_TRAIN), range(2 * N_TRAIN, 3 * N_TRAIN)
    assert rows["train"].tolist() == [*bars, 12, *squares]
    assert rows["pool"].tolist() == [1]
    assert found.facts["train_images"] == 2 * N_TRAIN + 1
    segments = staged.tensors(found, "segments")
    assert found.facts["segments"] == len(segments["label"])
    assert len(segments["label_maps"]) == 2 * N_TRAIN + 2


def test_a_share_of_nothing_takes_all_images(segment):
    found = segment(sure_of(1, 3 * N_TRAIN), sure_of(1, N_POOL), 0.0)
    assert (found.facts["train_images"], found.facts["pool_images"]) == (3 * N_TRAIN, N_POOL)


def test_a_dataset_without_a_pool_has_an_empty_one(staged, segment):
    found = segment(sure_of(1, 3 * N_TRAIN), None, 0.5)
    assert staged.tensors(found, "rows")["pool"].tolist() == []


def test_the_universe_keeps_images_labels_and_logits_together(staged):
    universe = load_universe(staged.work, staged.basis)
    rows, carved = universe.rows, staged.tensors(staged.basis.classifier, "split")["validation"]
    n_train = len(rows["train"])
    assert len(universe.images) == n_train + len(rows["pool"]) == universe.segments.n_images
    assert universe.labelled.tolist() == [True] * n_train + [False] * len(rows["pool"])
    held_out = set(carved.tolist())
    for position, row in enumerate(rows["train"].tolist()):
        name = universe.images.names[position]
        assert name.endswith(f"{row % N_TRAIN:02d}.png")
        assert name.split("/")[1] == ("bars", "discs", "squares")[row // N_TRAIN]
        assert bool(universe.validation[position]) == (row in held_out)
    assert not universe.validation[n_train:].any()
    # Positions among the classes under review: bars 0, squares 1, everything else -1.
    expected = {0: 0, 2: 1}
    labels = universe.images.labels.tolist()
    assert universe.local_labels.tolist() == [expected.get(label, -1) for label in labels]
    assert universe.under_review.tolist() == [label in expected for label in labels]
    logits = staged.tensors(staged.basis.predictions, "logits")
    found = universe_logits(staged.work, staged.basis, universe)
    assert torch.equal(found[:n_train], logits["train"][rows["train"]])
    assert torch.equal(found[n_train:], logits["pool"][rows["pool"]])
