"""What edits would do, found out quickly: the correction's own matching, and a small teacher.

No part of a run: nothing here is shown to MLflow, and a run never waits for it. Its stages are kept
like others, so the graphs as shown are matched and reasoned about once.
"""

from collections.abc import Sequence

from pydantic import JsonValue

from feedback.previews import Effect, PreviewedConcept
from models.concept_graph.params import ConceptGraphParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.correcting import edit_graphs
from tasks.channels.concept_graph.matching import match_universe
from tasks.channels.concept_graph.reasoning import parse_graphs
from tasks.channels.concept_graph.segmenting import load_universe
from tasks.stage import StageResult, Work, stage
from tasks.workplace import Workplace

MOST_SEEDS = 2
"""Reasoners of a preview; the correction's teacher has ``reasoner.n_seeds``."""

MOST_EPOCHS = 40
"""Passes of each; they stop earlier when the validation loss does."""


@stage("preview_graphs", version=1)
def preview_graphs(
    work: Work,
    *,
    basis: Basis,
    concepts: StageResult,
    graphs: list[JsonValue],
    params: ConceptGraphParams,
    seed: int,
) -> dict[str, JsonValue]:
    """Match the labelled images under review to class graphs and fit a reasoner to the labels.

    As ``fit_teacher`` does, but without the other images and without altered copies.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank.
        graphs: The class graphs, as shown or edited, as JSON.
        params: Matching, and a reasoner that is quick to fit.
        seed: First seed of the reasoner.

    Returns:
        ``detection``: per class, the share of its images in which each slot's concept is found;
        accuracy on the validation images and their number.
    """
    from models.concept_graph.fitting import fit_reasoner

    universe, class_graphs = load_universe(work, basis), parse_graphs(graphs)
    own = universe.under_review.nonzero().flatten()
    matched = match_universe(work, universe, concepts, class_graphs, params, "correction", own)
    targets, held_out = universe.local_labels[own], universe.validation[own]
    fitted = fit_reasoner(
        matched.to(work.device()),
        targets,
        held_out,
        class_graphs,
        params.reasoner,
        objective="classify",
        absent=params.graph.absent,
        seed=seed,
    )
    logits = fitted.ensemble.logits(matched.select(held_out)).cpu()
    right = logits.argmax(dim=1) == targets[held_out]
    return {
        "detection": [
            matched.present[targets == position, position].float().mean(dim=0).tolist()
            for position in range(len(class_graphs))
        ],
        "validation_accuracy": float(right.float().mean()),
        "validation_images": len(right),
    }


def preview_edits(
    workplace: Workplace,
    *,
    basis: Basis,
    concepts: StageResult,
    edits: list[JsonValue],
    params: ConceptGraphParams,
    seed: int,
) -> Effect:
    """Compute what edits of the class graphs that were shown would do.

    Args:
        workplace: Where the stages run.
        basis: What was computed before.
        concepts: Concept bank and class graphs.
        edits: The edits as JSON, as ``edit_graphs`` takes them.
        params: The channel's parameters.
        seed: First seed of the reasoners.

    Returns:
        Detection of every replaced slot, and the accuracies of quick reasoners.

    Raises:
        FeedbackError: If the edits do not fit the graphs.
        ExplanationError: If there are too few images to fit a reasoner.
    """
    quick = quick_params(params)
    graphs, found = [], []
    for applied in (list[JsonValue](), edits):
        edited = edit_graphs.fn(workplace, concepts=concepts, edits=applied)
        graphs.append(workplace.artifacts.load_list(edited.outputs["graphs"]))
        found.append(
            preview_graphs(
                workplace,
                basis=basis,
                concepts=concepts,
                graphs=graphs[-1],
                params=quick,
                seed=seed,
            )
        )
    before, after = found
    return Effect(
        concepts=_replaced(graphs[0], graphs[1], before, after),
        accuracy_before=before.number("validation_accuracy"),
        accuracy_after=after.number("validation_accuracy"),
        n_images=round(after.number("validation_images")),
    )


def quick_params(params: ConceptGraphParams) -> ConceptGraphParams:
    """Return the parameters with a reasoner that is fitted in seconds."""
    reasoner = params.reasoner
    smaller = {
        "n_seeds": min(reasoner.n_seeds, MOST_SEEDS),
        "epochs": min(reasoner.epochs, MOST_EPOCHS),
    }
    return params.model_copy(update={"reasoner": reasoner.model_copy(update=smaller)})


def _replaced(
    shown: Sequence[JsonValue],
    edited: Sequence[JsonValue],
    before: StageResult,
    after: StageResult,
) -> tuple[PreviewedConcept, ...]:
    from models.concept_graph.edits import replaced_slots

    first, second = parse_graphs(shown), parse_graphs(edited)
    return tuple(
        PreviewedConcept(
            class_name=first[position].class_name,
            slot=slot,
            before=first[position].concepts[slot],
            after=second[position].concepts[slot],
            detection_before=_detection(before)[position][slot],
            detection_after=_detection(after)[position][slot],
        )
        for position, slot in replaced_slots(first, second).nonzero().tolist()
    )


def _detection(found: StageResult) -> list[list[float]]:
    rates = found.facts["detection"]
    return [
        [float(str(rate)) for rate in row] if isinstance(row, list) else []
        for row in (rates if isinstance(rates, list) else [])
    ]
