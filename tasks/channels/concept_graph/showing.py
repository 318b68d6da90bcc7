"""Stage: what an edit changed, drawn: class graphs before and after, and one image explained."""

from functools import partial
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.channels.concept_graph import (
    ExampleEvidence,
    GraphEdit,
    GraphEvidence,
    ReplaceConcept,
)
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.evidence import crop_name
from tasks.channels.concept_graph.examples import Explained, example_figure
from tasks.channels.concept_graph.reasoning import load_graphs, load_matched, load_reasoner
from tasks.channels.concept_graph.segmenting import Universe, load_universe
from tasks.classifier import load_model
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.concept_graph.explanation import GraphShare
    from models.concept_graph.graph_view import ClassGraphView

SPEAKER = "reasoner of the edited graphs agrees with the corrected network"


@task(name="show-correction", cache_policy=NO_CACHE)
@stage("show_correction", version=1)
def show_correction(
    work: Work,
    *,
    basis: Basis,
    explanation: StageResult,
    edited: StageResult,
    teacher: StageResult,
    student: StageResult,
) -> dict[str, JsonValue]:
    """Draw the class graphs before and after the edit, and one image as both networks see it.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        explanation: The evidence that the reviewer saw.
        edited: The edited class graphs, and the edits.
        teacher: The reasoner fitted to the edited graphs.
        student: The corrected network.

    Returns:
        How often teacher and student agree on validation images; one output per figure: ``graphs``,
        ``graphs_after`` and their ``contribution`` counterparts, of one example image.
    """
    from models.concept_graph.explanation import contributions, mean_own_contributions
    from models.concept_graph.graph_figure import class_graph_figure
    from models.figure_style import figure_png, percent, stack_pngs

    universe, graphs = load_universe(work, basis), load_graphs(work, edited)
    evidence = GraphEvidence.model_validate(work.load_json(explanation, "evidence"))
    edits = work.artifacts.load_list(edited.outputs["edits"])
    changes = {edit.class_name: edit for edit in map(GraphEdit.model_validate, edits)}
    crops = _load_crops(work, explanation, evidence)
    matched, reasoner = load_matched(work, teacher), load_reasoner(work, teacher)
    reasoner = reasoner.to(work.device())
    own = universe.under_review
    means = mean_own_contributions(
        contributions(reasoner, matched.select(own)).to("cpu"), universe.local_labels[own]
    )
    before, after = _views(evidence, changes, crops, means)
    work.progress(1, 2, "class graphs")

    shares = contributions(reasoner, matched).to("cpu")
    judged = own & universe.validation
    answers = _ask(work, basis, student, universe, judged)
    agreement = float((answers == shares.logits[judged].argmax(dim=1)).float().mean())
    # Examples are validation images; without any there is nothing to explain.
    example = max(evidence.examples, key=partial(_at_stake, evidence, changes), default=None)
    if example is not None:
        image = universe.images.names.index(example.image)
        explained = Explained(universe, matched, shares, tuple(graphs), agreement, crops, SPEAKER)
        answer = int(answers[int(judged[:image].sum())])
        seen_before = work.artifacts.load_bytes(explanation.outputs[example.file])
        seen_after = example_figure(explained, image, answer)
        work.save_png(
            "contribution", stack_pngs({"Before the correction": seen_before, "After": seen_after})
        )
        work.save_png("contribution_after", seen_after)

    work.save_png(
        "graphs",
        figure_png(
            class_graph_figure(
                before,
                after=after,
                title="Class graphs before and after the edit",
                note="before: the reasoner that imitates the network · after: the reasoner fitted "
                f"to the edited graphs, which agrees with the corrected one on {percent(agreement)}"
                " of images",
            )
        ),
    )
    work.save_png(
        "graphs_after",
        figure_png(
            class_graph_figure(
                after,
                title="What the reviewer wants the network to reason with",
                note=f"{SPEAKER} on {percent(agreement)} of validation images",
            )
        ),
    )
    work.progress(2, 2, "figures")
    return {"agreement": agreement, "example": example.file if example else None}


def _views(
    evidence: GraphEvidence,
    changes: dict[str, GraphEdit],
    crops: "dict[str, list[NDArray[np.uint8]]]",
    means: "GraphShare",
) -> "tuple[list[ClassGraphView], list[ClassGraphView]]":
    from models.concept_graph.evidence_views import class_graph_view
    from models.concept_graph.graph import edge_pairs

    before, after = [], []
    for position, shown in enumerate(evidence.classes):
        edit = changes.get(shown.class_name)
        n_edits = 0 if edit is None else len(edit.ops)
        before.append(class_graph_view(shown, crops))
        after.append(
            class_graph_view(
                shown,
                crops,
                edit=edit,
                node_contributions=means.nodes[position].tolist(),
                edge_contributions=dict(
                    zip(edge_pairs(len(shown.slots)), means.edges[position].tolist(), strict=True)
                ),
                note=f"{n_edits} edit{'' if n_edits == 1 else 's'}" if n_edits else "as mined",
            )
        )
    return before, after


def _at_stake(
    evidence: GraphEvidence, changes: dict[str, GraphEdit], example: ExampleEvidence
) -> float:
    """Return how much of an example's answer came from concepts that the reviewer replaced."""
    names = [shown.class_name for shown in evidence.classes]
    answer = names.index(example.predicted_class)
    replaced = {
        (name, op.slot)
        for name, edit in changes.items()
        for op in edit.ops
        if isinstance(op, ReplaceConcept)
    }
    return sum(
        abs(concept.contributions[answer])
        for concept in example.concepts
        if (concept.class_name, concept.slot) in replaced and concept.contributions
    )


def _ask(
    work: Work, basis: Basis, student: StageResult, universe: Universe, rows: "Tensor"
) -> "Tensor":
    """Return the class under review that the corrected network gives to each of some images."""
    from models.prediction import predict_logits

    model = load_model(work.artifacts, student.outputs["model"], student.outputs["spec"])
    images = universe.images.select(rows.nonzero().flatten())
    model = model.to(work.device()).eval()
    logits = predict_logits(model, images.images, 64, precision=basis.training.precision)
    answers: Tensor = logits[:, list(basis.class_ids)].argmax(dim=1)
    return answers


def _load_crops(
    work: Work, explanation: StageResult, evidence: GraphEvidence
) -> "dict[str, list[NDArray[np.uint8]]]":
    """Return one example picture per concept that was shown, as the reviewer saw it."""
    import io

    import numpy as np
    from PIL import Image

    crops: dict[str, list[NDArray[np.uint8]]] = {}
    for shown in evidence.classes:
        for card in shown.candidates:
            ref = explanation.outputs.get(crop_name(card.concept_id, 0))
            if ref is not None:
                picture = Image.open(io.BytesIO(work.artifacts.load_bytes(ref)))
                crops[card.concept_id] = [np.asarray(picture.convert("RGB"))]
    return crops
