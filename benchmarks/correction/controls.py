"""Stages that only the benchmark has: teachers that are controls, and teachers asked themselves.

Everything in them is the product's own; the product has no use for a teacher of shuffled labels.
"""

import torch
from pydantic import JsonValue

from models.concept_graph.params import ConceptGraphParams
from models.concept_graph.segments import SegmentSet, segment_images
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.matching import match_pixels
from tasks.channels.concept_graph.reasoning import (
    learn_lesson,
    load_reasoner,
    parse_graphs,
    prepare_lesson,
)
from tasks.channels.concept_graph.segmenting import load_universe
from tasks.classifier import load_split
from tasks.stage import StageResult, Work, stage


@stage("fit_control", version=1)
def fit_control(
    work: Work,
    *,
    basis: Basis,
    concepts: StageResult,
    graphs: list[JsonValue],
    rejecting: list[JsonValue],
    shuffled: bool,
    params: ConceptGraphParams,
    seed: int,
) -> dict[str, JsonValue]:
    """Fit a reasoner as ``fit_teacher`` does, to another edit's copies or to shuffled labels.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank.
        graphs: The class graphs that it reasons with, as JSON.
        rejecting: The edited class graphs whose altered copies it has, as JSON.
        shuffled: Deal the labels out anew among the images; a copy has the label of its image.
        params: Matching and reasoner.
        seed: First seed of the reasoner, and that of the shuffling.

    Returns:
        As ``fit_teacher``; accuracy is by the true labels.
    """
    universe, class_graphs = load_universe(work, basis), parse_graphs(graphs)
    lesson = prepare_lesson(
        work, basis, concepts, universe, class_graphs, parse_graphs(rejecting), params, seed
    )
    targets = universe.local_labels
    if shuffled:
        targets = shuffle_labels(targets, universe.under_review, seed)
    return learn_lesson(work, universe, lesson, targets, class_graphs, params, seed)


def shuffle_labels(targets: torch.Tensor, own: torch.Tensor, seed: int) -> torch.Tensor:
    """Deal the labels of the images ``own`` (B,) out anew among these; others keep theirs."""
    rows = own.nonzero().flatten()
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    dealt = targets.clone()
    dealt[rows] = targets[rows[order]]
    return dealt


@stage("segment_test", version=1)
def segment_test(work: Work, *, basis: Basis, params: ConceptGraphParams) -> dict[str, JsonValue]:
    """Segment the test images of the classes under review; output ``segments``.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        params: How SLIC is run.

    Returns:
        Number of images; outputs ``rows`` (positions in the test split) and ``segments``.
    """
    test = load_split(work, basis.dataset, "test", basis.training)
    rows = torch.isin(test.labels, torch.tensor(basis.class_ids)).nonzero().flatten()
    found = segment_images(test.images[rows], params.segments, params.workers)
    work.save_tensors("rows", {"rows": rows})
    work.save_tensors("segments", vars(found))
    return {"images": len(rows)}


@stage("ask_teacher", version=1)
def ask_teacher(
    work: Work,
    *,
    basis: Basis,
    concepts: StageResult,
    segmented: StageResult,
    teacher: StageResult,
    graphs: list[JsonValue],
    params: ConceptGraphParams,
) -> dict[str, JsonValue]:
    """Ask a teacher itself about the test images of the classes under review.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank.
        segmented: Result of ``segment_test``.
        teacher: A fitted reasoner.
        graphs: Its class graphs, as JSON.
        params: Matching.

    Returns:
        Nothing; output ``logits`` (B, n) on the segmented images.
    """
    rows = work.load_tensors(segmented, "rows")["rows"]
    images = load_split(work, basis.dataset, "test", basis.training).images[rows]
    word = work.load_tensors(basis.predictions, "logits")["test"][rows][:, list(basis.class_ids)]
    matched = match_pixels(
        work,
        basis,
        concepts,
        images,
        torch.tensor(basis.class_ids)[word.argmax(dim=1)],
        SegmentSet(**work.load_tensors(segmented, "segments")),
        parse_graphs(graphs),
        params,
        "correction",
    )
    work.save_tensors("logits", {"logits": load_reasoner(work, teacher).logits(matched)})
    return {}
