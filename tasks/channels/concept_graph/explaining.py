"""Stage: the explanation of the classes under review, as evidence and pictures."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.channels.concept_graph import ExampleEvidence, GraphEvidence, LocatedConcept
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.evidence import Accuracies, class_evidence, crop_name, draw_crops
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import load_graphs, load_matched, load_reasoner
from tasks.channels.concept_graph.segmenting import Universe, load_universe, universe_logits
from tasks.classifier import load_classifier
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.concept_graph.explanation import Contributions
    from models.concept_graph.graph import ClassGraph, ImageGraphs

EXAMPLES_PER_CLASS = 2
"""Example images with located concepts per class: the least certain validation image, and a certain
one."""


@task(name="explain-classes", tags=["gpu"], cache_policy=NO_CACHE)
@stage(
    "explain_classes",
    version=1,
    code=(
        "models.concept_graph.explanation",
        "models.concept_graph.deletion",
        "models.concept_graph.cards",
        "models.concept_graph.evidence_views",
        "models.concept_graph.graph_figure",
        "models.concept_graph.graph_panel",
        "models.concept_graph.cards_figure",
        "models.concept_graph.contribution_figure",
        "models.figure_style",
        "tasks.channels.concept_graph.evidence",
    ),
)
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
    from tasks.device import best_device

    universe = load_universe(work, basis)
    bank, graphs = load_bank(work, concepts), load_graphs(work, concepts)
    matched, network = load_matched(work, reasoner), load_reasoner(work, reasoner)
    logits = universe_logits(work, basis, universe)[:, list(basis.class_ids)]
    shares = contributions(network, matched)
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
    model = load_classifier(work.artifacts, basis.classifier).to(best_device())
    chosen = _example_images(logits, labels, judged)
    deletion = _deletion_check(model, universe, matched, graphs, chosen, seed)
    work.progress(2, 3, "deletion check")
    pictures = {
        crop_name(concept, at): png_bytes(crop)
        for concept, found in crops.items()
        for at, crop in enumerate(found)
    }
    agreement = reasoner.number("agreement")
    examples = []
    for number, image in enumerate(chosen):
        example, figure = _example(
            universe, matched, shares, graphs, image, number, agreement, int(predicted[image])
        )
        changes = tuple(deletion["own"][number])
        examples.append(example.model_copy(update={"deletion": changes}))
        pictures[example.file] = figure
    pictures |= _figures(classes, crops)
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
    own_drop = torch.tensor([value for row in deletion["own"] for value in row])
    control = torch.tensor([value for row in deletion["control"] for value in row])
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


def _example_images(logits: "Tensor", labels: "Tensor", judged: "Tensor") -> list[int]:
    """Choose per class the validation images with the true class's smallest and largest lead."""
    chosen: list[int] = []
    probs = logits.softmax(dim=1)
    for position in range(logits.shape[1]):
        rows = (judged & (labels == position)).nonzero().flatten()
        if not len(rows):
            continue
        order = rows[probs[rows, position].argsort(stable=True)].tolist()
        picked = [order[0], order[-1]][: min(EXAMPLES_PER_CLASS, len(order))]
        chosen.extend(dict.fromkeys(picked))
    return chosen


def _deletion_check(
    model: "object",
    universe: Universe,
    matched: "ImageGraphs",
    graphs: "list[ClassGraph]",
    chosen: list[int],
    seed: int,
) -> dict[str, list[list[float]]]:
    """Blank each located concept of the examples' own graphs, and a segment like it."""
    import torch

    from models.classifier import Classifier
    from models.concept_graph.deletion import control_segments, deletion_effect

    if not isinstance(model, Classifier):
        raise TypeError(f"expected a Classifier (got {type(model)})")
    segments = universe.segments
    generator = torch.Generator().manual_seed(seed)
    result: dict[str, list[list[float]]] = {"own": [], "control": []}
    position_of = {graph.class_id: at for at, graph in enumerate(graphs)}
    for image in chosen:
        class_id = int(universe.images.labels[image])
        rows = matched.segment_index[image, position_of[class_id]]
        rows = rows[rows >= 0]
        controls = control_segments(
            rows, segments.image_index, segments.area, segments.box, generator
        )
        for name, which in (("own", rows), ("control", controls[controls >= 0])):
            masks = torch.stack([segments.mask(int(row)) for row in which])
            pixels = universe.images.images[image].expand(len(which), -1, -1, -1)
            effect = deletion_effect(
                model, pixels, masks, torch.full((len(which),), class_id, dtype=torch.int64)
            )
            result[name].append(effect.logit_change.tolist())
    return result


def _example(
    universe: Universe,
    matched: "ImageGraphs",
    shares: "Contributions",
    graphs: "list[ClassGraph]",
    image: int,
    number: int,
    agreement: float,
    predicted: int,
) -> tuple[ExampleEvidence, bytes]:
    from models.concept_graph.contribution_figure import (
        LocatedConcept as LocatedView,
    )
    from models.concept_graph.contribution_figure import ReasonView, contribution_figure
    from models.concept_graph.graph import edge_pairs
    from models.figure_style import figure_png

    logits = shares.logits[image]
    ranked = logits.argsort(descending=True).tolist()
    runner_up = next(at for at in ranked if at != predicted)
    true_class = universe.images.classes[int(universe.images.labels[image])]

    def reason(position: int) -> ReasonView:
        parts = [
            (
                f"{graph.class_name} {concept.rsplit('/', 1)[-1]}",
                float(shares.nodes[image, position, g, k]),
            )
            for g, graph in enumerate(graphs)
            for k, concept in enumerate(graph.concepts)
        ]
        parts += [
            (f"{graph.class_name} {s}→{t}", float(shares.edges[image, position, g, e]))
            for g, graph in enumerate(graphs)
            for e, (s, t) in enumerate(edge_pairs(graph.n_concepts))
        ]
        return ReasonView(graphs[position].class_name, tuple(parts), float(shares.bias[position]))

    own = graphs[predicted]
    located = [
        LocatedView(
            concept.rsplit("/", 1)[-1],
            universe.segments.mask(int(matched.segment_index[image, predicted, k])).numpy()
            if bool(matched.present[image, predicted, k])
            else None,
        )
        for k, concept in enumerate(own.concepts)
    ]
    figure = contribution_figure(
        universe.images.images[image].permute(1, 2, 0).numpy(),
        located,
        reason(predicted),
        reason(runner_up),
        agreement=agreement,
        true_class=true_class,
    )
    evidence = ExampleEvidence(
        image=universe.images.names[image],
        file=f"examples/{number:02d}.png",
        true_class=true_class,
        predicted_class=own.class_name,
        reasoner_class=graphs[int(logits.argmax())].class_name,
        logits=tuple(logits.tolist()),
        concepts=tuple(
            LocatedConcept(
                class_name=graph.class_name,
                slot=k,
                present=bool(matched.present[image, g, k]),
                position=_position(matched, image, g, k),
                contributions=tuple(shares.nodes[image, :, g, k].tolist()),
            )
            for g, graph in enumerate(graphs)
            for k in range(graph.n_concepts)
        ),
    )
    return evidence, figure_png(figure)


def _position(matched: "ImageGraphs", image: int, graph: int, slot: int) -> tuple[float, float]:
    x, y = matched.positions[image, graph, slot].clamp(0, 1).tolist()
    return float(x), float(y)


def _figures(
    classes: "tuple[object, ...]", crops: "Mapping[str, list[NDArray[np.uint8]]]"
) -> dict[str, bytes]:
    from feedback.channels.concept_graph import ClassEvidence
    from models.concept_graph.cards_figure import concept_cards_figure
    from models.concept_graph.evidence_views import class_graph_view, concept_card_views
    from models.concept_graph.graph_figure import class_graph_figure
    from models.figure_style import figure_png

    shown = [evidence for evidence in classes if isinstance(evidence, ClassEvidence)]
    figures = {
        "figures/class_graphs.png": figure_png(
            class_graph_figure([class_graph_view(evidence, crops) for evidence in shown])
        )
    }
    for number, evidence in enumerate(shown):
        figures[f"figures/concepts_{number}.png"] = figure_png(
            concept_cards_figure(evidence.class_name, concept_card_views(evidence, crops)[:12])
        )
    return figures
