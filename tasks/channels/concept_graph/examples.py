"""Example images of an explanation: which are shown, what blanking does, how they are drawn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedback.channels.concept_graph import ExampleEvidence, LocatedConcept
from tasks.channels.concept_graph.segmenting import Universe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.classifier import Classifier
    from models.concept_graph.explanation import Contributions
    from models.concept_graph.graph import ClassGraph, ImageGraphs

EXAMPLES_PER_CLASS = 2
"""Images shown per class: the least certain validation image, and a certain one."""


@dataclass(frozen=True)
class Explained:
    """What the examples are drawn from.

    Attributes:
        universe: Images and their segments.
        matched: Image graphs.
        shares: Contributions of nodes and edges to the logits.
        graphs: Class graphs under review.
        agreement: Share of unseen images on which reasoner and classifier agree, [0, 1].
        crops: Example pictures by concept id, the most typical first.
        speaker: Whose agreement with which network that is; None for the classifier under review.
    """

    universe: Universe
    matched: "ImageGraphs"
    shares: "Contributions"
    graphs: "tuple[ClassGraph, ...]"
    agreement: float
    crops: "Mapping[str, Sequence[NDArray[np.uint8]]]"
    speaker: str | None = None


def choose_examples(logits: "Tensor", labels: "Tensor", judged: "Tensor") -> list[int]:
    """Choose per class the validation images with the true class's smallest and largest lead.

    Args:
        logits: The classifier's logits of the classes under review (B, n).
        labels: Positions of the true classes among them (B,), int64.
        judged: Images that may be shown (B,), bool.

    Returns:
        Rows of the chosen images, class by class.
    """
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


def delete_concepts(
    model: "Classifier", explained: Explained, chosen: list[int], seed: int
) -> dict[str, list[list[float | None]]]:
    """Blank each located concept of the examples' own graphs, and a segment like it.

    Args:
        model: The classifier that is explained.
        explained: The images and their graphs.
        chosen: Rows of the example images.
        seed: Seed of the choice of controls.

    Returns:
        Changes of the true class's logit per image: for its ``own`` concepts one per slot of the
        class's graph, None where the image does not have the concept, and for ``control`` segments
        of the same size.
    """
    import torch

    from models.concept_graph.deletion import control_segments, deletion_effect

    universe, matched, graphs = explained.universe, explained.matched, explained.graphs
    segments = universe.segments
    generator = torch.Generator().manual_seed(seed)
    result: dict[str, list[list[float | None]]] = {"own": [], "control": []}
    position_of = {graph.class_id: at for at, graph in enumerate(graphs)}
    for image in chosen:
        class_id = int(universe.images.labels[image])
        slots = matched.segment_index[image, position_of[class_id]]
        # The segment next to a concept that is not there is something else.
        found = matched.present[image, position_of[class_id]]
        rows = slots[found]
        controls = control_segments(
            rows, segments.image_index, segments.area, segments.box, generator
        )
        for name, which in (("own", rows), ("control", controls[controls >= 0])):
            if not len(which):  # no concept of its class is there, or no other segment
                result[name].append([])
                continue
            masks = torch.stack([segments.mask(int(row)) for row in which])
            pixels = universe.images.images[image].expand(len(which), -1, -1, -1)
            effect = deletion_effect(
                model, pixels, masks, torch.full((len(which),), class_id, dtype=torch.int64)
            )
            result[name].append(list(to_digits(effect.logit_change.tolist())))
        changes = iter(result["own"][-1])
        result["own"][-1] = [next(changes) if there else None for there in found.tolist()]
    return result


def to_digits(values: Iterable[float]) -> tuple[float, ...]:
    """Return numbers with as many digits as people and browsers need, six.

    Single precision written in full has ten digits of noise, by which the manifest of a request of
    many classes was twice as large, and slow to read.

    Args:
        values: Finite numbers.
    """
    return tuple(float(f"{value:.6g}") for value in values)


def draw_example(
    explained: Explained, image: int, number: int, predicted: int
) -> tuple[ExampleEvidence, bytes]:
    """Describe one example image and draw it.

    Args:
        explained: The images, their graphs and the contributions.
        image: Row of the image.
        number: Number of the example, for its file name.
        predicted: Position of the class that the classifier gives.

    Returns:
        The evidence, and its picture as PNG.
    """
    universe, matched, graphs = explained.universe, explained.matched, explained.graphs
    shares = explained.shares
    logits = shares.logits[image]
    evidence = ExampleEvidence(
        image=universe.images.names[image],
        file=f"examples/{number:02d}.png",
        true_class=universe.images.classes[int(universe.images.labels[image])],
        predicted_class=graphs[predicted].class_name,
        reasoner_class=graphs[int(logits.argmax())].class_name,
        logits=to_digits(logits.tolist()),
        concepts=tuple(
            LocatedConcept(
                class_name=graph.class_name,
                slot=k,
                present=bool(matched.present[image, g, k]),
                position=_position(matched, image, g, k),
                contributions=to_digits(shares.nodes[image, :, g, k].tolist()),
            )
            for g, graph in enumerate(graphs)
            for k in range(graph.n_concepts)
        ),
    )
    return evidence, example_figure(explained, image, predicted)


def example_figure(explained: Explained, image: int, predicted: int) -> bytes:
    """Draw why the classifier takes an image for its first class and not for the second.

    Args:
        explained: The images, their graphs and the contributions.
        image: Row of the image.
        predicted: Position of the class that the classifier gives.

    Returns:
        The picture as PNG.
    """
    from models.concept_graph.contribution_figure import (
        SPEAKER,
        ReasonView,
        contribution_figure,
    )
    from models.concept_graph.contribution_figure import (
        LocatedConcept as LocatedView,
    )
    from models.concept_graph.graph import edge_pairs
    from models.figure_style import figure_png

    universe, matched, graphs = explained.universe, explained.matched, explained.graphs
    shares = explained.shares
    logits = shares.logits[image]
    ranked = logits.argsort(descending=True).tolist()
    true = int(universe.local_labels[image])
    # Of a mistake people ask why it is not the truth, of a right answer why not the next likely.
    rival = true if true not in (-1, predicted) else next(at for at in ranked if at != predicted)

    def reason(position: int) -> ReasonView:
        parts = [
            (
                _label(graph, k),
                float(shares.nodes[image, position, g, k]),
            )
            for g, graph in enumerate(graphs)
            for k in range(graph.n_concepts)
        ]
        parts += [
            (f"{_label(graph, s)}→{_name(graph, t)}", float(shares.edges[image, position, g, e]))
            for g, graph in enumerate(graphs)
            for e, (s, t) in enumerate(edge_pairs(graph.n_concepts))
        ]
        return ReasonView(graphs[position].class_name, tuple(parts), float(shares.bias[position]))

    own = graphs[predicted]
    located = [
        LocatedView(
            _name(own, k),
            universe.segments.mask(int(matched.segment_index[image, predicted, k])).numpy()
            if bool(matched.present[image, predicted, k])
            else None,
        )
        for k in range(own.n_concepts)
    ]
    figure = contribution_figure(
        universe.images.images[image].permute(1, 2, 0).numpy(),
        located,
        reason(predicted),
        reason(rival),
        agreement=explained.agreement,
        true_class=universe.images.classes[int(universe.images.labels[image])],
        crops={
            _label(graph, k): explained.crops[concept][0]
            for graph in graphs
            for k, concept in enumerate(graph.concepts)
            if explained.crops.get(concept)
        },
        speaker=explained.speaker or SPEAKER,
    )
    return figure_png(figure)


def _name(graph: "ClassGraph", slot: int) -> str:
    return graph.concepts[slot].rsplit("/", 1)[-1]


def _label(graph: "ClassGraph", slot: int) -> str:
    return f"{graph.class_name} {_name(graph, slot)}"


def _position(matched: "ImageGraphs", image: int, graph: int, slot: int) -> tuple[float, float]:
    x, y = matched.positions[image, graph, slot].clamp(0, 1).tolist()
    return float(x), float(y)
