"""Stage: the explanation of the classes under review, as evidence and pictures."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.channels.concept_graph import GraphEvidence
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.evidence import Accuracies, class_evidence, crop_name, draw_crops
from tasks.channels.concept_graph.examples import (
    Explained,
    choose_examples,
    delete_concepts,
    draw_example,
)
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import load_graphs, load_matched, load_reasoner
from tasks.channels.concept_graph.segmenting import load_universe, universe_logits
from tasks.classifier import load_classifier
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.concept_graph.explanation import Contributions


@task(name="explain-classes", cache_policy=NO_CACHE)
@stage("explain_classes", version=1)
def explain_classes(
    work: Work, *, basis: Basis, concepts: StageResult, reasoner: StageResult, seed: int
) -> dict[str, JsonValue]:
    """Turn contributions into evidence, and draw what a reviewer will look at.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank and class graphs.
        reasoner: The imitating reasoner and its image graphs.
        seed: Seed of the controls of the deletion check.

    Returns:
        The deletion check in numbers; outputs ``evidence``, ``files`` and one output per picture.
    """
    import torch

    from models.concept_graph.cards import png_bytes
    from models.concept_graph.explanation import contributions, mean_own_contributions
    from models.metrics import confusion_matrix

    universe = load_universe(work, basis)
    bank, graphs = load_bank(work, concepts), load_graphs(work, concepts)
    matched, network = load_matched(work, reasoner), load_reasoner(work, reasoner)
    device = work.device()
    logits = universe_logits(work, basis, universe)[:, list(basis.class_ids)]
    shares = contributions(network.to(device), matched).to("cpu")
    labels = universe.local_labels
    own = universe.under_review
    means = mean_own_contributions(_subset(shares, own), labels[own])
    judged = own & universe.validation
    predicted, reasoned = logits.argmax(dim=1), shares.logits.argmax(dim=1)
    crops = draw_crops(universe, bank)
    work.progress(1, 3, "concept cards")
    classes = tuple(
        class_evidence(
            universe,
            bank,
            graph,
            means,
            position,
            Accuracies(
                classifier=_accuracy(predicted, labels, judged, position),
                reasoner=_accuracy(reasoned, labels, judged, position),
                n_images=int((universe.images.labels == graph.class_id).sum()),
            ),
        )
        for position, graph in enumerate(graphs)
    )
    model = load_classifier(work.artifacts, basis.classifier).to(device)
    agreement = reasoner.number("agreement")
    explained = Explained(universe, matched, shares, tuple(graphs), agreement, crops)
    chosen = choose_examples(logits, labels, judged)
    deletion = delete_concepts(model, explained, chosen, seed)
    work.progress(2, 3, "deletion check")
    pictures = {
        crop_name(concept, at): png_bytes(crop)
        for concept, found in crops.items()
        for at, crop in enumerate(found)
    }
    examples = []
    for number, image in enumerate(chosen):
        example, figure = draw_example(explained, image, number, int(predicted[image]))
        own_changes = deletion["own"][number]
        changes = tuple(
            own_changes[one.slot] if one.class_name == example.true_class else None
            for one in example.concepts
        )
        examples.append(example.model_copy(update={"deletion": changes}))
        pictures[example.file] = figure
    pictures |= _figures(classes, crops, agreement)
    confusion = confusion_matrix(predicted[judged], labels[judged], len(graphs))
    evidence = GraphEvidence(
        agreement=agreement,
        l1=reasoner.number("l1"),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        examples=tuple(examples),
        figures=("figures/class_graphs.png",),
        classes=classes,
    )
    for name, data in pictures.items():
        work.save_png(name, data)
    work.save_json("evidence", evidence.model_dump(mode="json"))
    work.save_json("files", [*sorted(pictures)])
    gap = shares.completeness_gap()
    work.progress(3, 3, "figures")
    own_drop, control = (
        torch.tensor([value for row in deletion[name] for value in row if value is not None])
        for name in ("own", "control")
    )
    return {
        "completeness_gap": gap,
        "deletion_logit_change": float(own_drop.mean()) if len(own_drop) else 0.0,
        "deletion_logit_change_control": float(control.mean()) if len(control) else 0.0,
    }


def _subset(shares: "Contributions", rows: "Tensor") -> "Contributions":
    from dataclasses import replace

    return replace(
        shares, nodes=shares.nodes[rows], edges=shares.edges[rows], logits=shares.logits[rows]
    )


def _accuracy(
    predicted: "Tensor", labels: "Tensor", judged: "Tensor", position: int
) -> float | None:
    rows = judged & (labels == position)
    return float((predicted[rows] == position).float().mean()) if bool(rows.any()) else None


def _figures(
    classes: "tuple[object, ...]",
    crops: "Mapping[str, list[NDArray[np.uint8]]]",
    agreement: float,
) -> dict[str, bytes]:
    from feedback.channels.concept_graph import ClassEvidence
    from models.concept_graph.cards_figure import concept_cards_figure
    from models.concept_graph.evidence_views import class_graph_view, concept_card_views
    from models.concept_graph.graph_figure import class_graph_figure
    from models.figure_style import figure_png, percent

    shown = [evidence for evidence in classes if isinstance(evidence, ClassEvidence)]
    figures = {
        "figures/class_graphs.png": figure_png(
            class_graph_figure(
                [class_graph_view(evidence, crops) for evidence in shown],
                title="What the network reasons with",
                note=f"read by a reasoner that agrees with it on {percent(agreement)} of held-out "
                "images · outside gate: share of the segments that Grad-CAM does not look at",
            )
        )
    }
    for number, evidence in enumerate(shown):
        figures[f"figures/concepts_{number}.png"] = figure_png(
            concept_cards_figure(evidence.class_name, concept_card_views(evidence, crops)[:12])
        )
    return figures
