"""The concept-graph channel: class graphs of visual concepts, edited, taught by two teachers.

Reads like the figure of He et al. 2023 (arXiv:2401.05461): concepts -> graphs -> reasoner ->
explanation, and back: edited graphs -> reasoner -> distillation -> student.
"""

from collections.abc import Sequence

from pydantic import JsonValue

from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph import read_graph_edits
from feedback.decision import Decision
from feedback.document import FeedbackDocument
from feedback.fields import JsonObject
from feedback.previews import Effect
from feedback.since import Scores
from flows.channel import Rounds, Stages
from flows.context import RunContext
from models.concept_graph.params import ConceptGraphParams
from models.params import Params, TrainingParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.carrying import (
    carry_over_edits,
    earlier_edits,
    keep_exemplars,
)
from tasks.channels.concept_graph.correcting import distil, edit_graphs
from tasks.channels.concept_graph.evaluating import compare_arms
from tasks.channels.concept_graph.explaining import explain_classes
from tasks.channels.concept_graph.mining import (
    choose_concepts,
    embed_segments,
    mine_class,
    mining_params,
)
from tasks.channels.concept_graph.previewing import preview_edits
from tasks.channels.concept_graph.reasoning import fit_teacher, imitate_classifier
from tasks.channels.concept_graph.reporting import evaluation_of
from tasks.channels.concept_graph.reviewing import (
    build_review_bundle,
    gate_for,
    measure_object_share,
    simulated_answer,
)
from tasks.channels.concept_graph.scoring import score_classes
from tasks.channels.concept_graph.segmenting import segment_relevant_images
from tasks.channels.concept_graph.showing import show_correction
from tasks.channels.concept_graph.suggesting import check_classes, suggest_classes
from tasks.classifier import predict
from tasks.dataset.reference import DatasetRef
from tasks.evaluation import Evaluation
from tasks.fan_out import fan_out
from tasks.stage import StageResult

_SUBJECTS = {"unmodified_graph": "unmodified graphs", "edited_graph": "edited graphs"}


def check(params: Params, dataset: DatasetRef, training: TrainingParams) -> None:
    """Refuse classes that the dataset does not have."""
    settings = ConceptGraphParams.model_validate(params)
    check_classes(dataset.classes, settings.classes, settings.n_classes)


def rounds(params: Params) -> Rounds:
    """Ask once: class graphs are about a network that has been trained."""
    return Rounds()


def explain(run: RunContext, classifier: StageResult) -> Stages:
    """Mine concepts of the confused classes and explain the classifier through their graphs."""
    params, work = _settings(run), run.workplace
    predictions = predict(
        work, dataset=run.dataset, classifier=classifier, training=run.params.training
    )
    suggested = suggest_classes(
        work,
        dataset=run.dataset,
        training=run.params.training,
        classifier=classifier,
        predictions=predictions,
        named=params.classes,
        n_classes=params.n_classes,
    )
    segmented = segment_relevant_images(
        work,
        dataset=run.dataset,
        predictions=predictions,
        class_ids=_class_ids(suggested),
        segments=params.segments,
        training=run.params.training,
        skip_below=run.params.distillation.skip_below,
        workers=params.workers,
    )
    stages = {
        "classifier": classifier,
        "predictions": predictions,
        "suggested": suggested,
        "segmented": segmented,
    }
    basis = _basis(run, stages)
    mining = mining_params(params)
    embedded = embed_segments(work, basis=basis, gate=mining.gate, clusters=mining.clusters)
    given = {"basis": basis, "embedded": embedded, "params": mining, "seed": run.params.seed}
    mined = fan_out(
        work,
        mine_class,
        {run.dataset.classes[c]: given | {"class_id": c} for c in basis.class_ids},
        run.params.fan_out,
    )
    concepts = choose_concepts(
        work, basis=basis, embedded=embedded, mined=mined, n_concepts=params.graph.n_concepts
    )
    reasoner = imitate_classifier(
        work, basis=basis, concepts=concepts, params=params, seed=run.params.seed
    )
    explanation = explain_classes(
        work, basis=basis, concepts=concepts, reasoner=reasoner, seed=run.params.seed
    )
    exemplars = keep_exemplars(work, basis=basis, concepts=concepts)
    return stages | {
        "concepts": concepts,
        "reasoner": reasoner,
        "explanation": explanation,
        "exemplars": exemplars,
    }


def bundle(run: RunContext, explained: Stages) -> tuple[ReviewBundle, dict[str, bytes]]:
    """Freeze cards, graphs, examples, agreement and earlier reviews' edits into one request."""
    basis = _basis(run, explained)
    return build_review_bundle(
        run.workplace,
        basis=basis,
        explanation=explained["explanation"],
        reasoner=gate_for(_settings(run).reasoner, run.params.review.reviewer),
        model_name=run.params.model_name,
        run=run.run_id,
        exemplars=explained["exemplars"],
        carried=_carried(run, basis, explained),
    )


def measure(run: RunContext, explained: Stages) -> Scores:
    """Measure the classifier on the test images, in the classes under review and in the others."""
    scored = score_classes(
        run.workplace,
        dataset=run.dataset,
        predictions=explained["predictions"],
        training=run.params.training,
    )
    per_class = scored.facts["per_class"]
    known = per_class.items() if isinstance(per_class, dict) else ()
    asked, names = _basis(run, explained).class_names, run.dataset.classes
    others = tuple(name for name in names if name not in asked)
    return Scores(
        {name: float(str(value)) for name, value in known},
        {"classes under review": asked, "other classes": others, "all classes": names},
    )


def respond(run: RunContext, explained: Stages, bundle: ReviewBundle) -> FeedbackDocument:
    """Answer the bundle as the simulated reviewer, who sees the bundle and the masks."""
    shares = measure_object_share(
        run.workplace, basis=_basis(run, explained), concepts=explained["concepts"]
    )
    return simulated_answer(bundle, shares.facts, _settings(run).reviewer)


def preview(run: RunContext, explained: Stages, edits: Sequence[JsonObject]) -> Effect:
    """Match the images under review to the edited graphs, and fit quick reasoners to the labels."""
    return preview_edits(
        run.workplace,
        basis=_basis(run, explained),
        concepts=explained["concepts"],
        edits=_as_json(edits),
        params=_settings(run),
        seed=run.params.seed,
    )


def correct(run: RunContext, explained: Stages, decisions: Sequence[Decision]) -> Stages:
    """Edit the graphs, fit a teacher to them, and distil from edited and unmodified graphs."""
    params, work, basis = _settings(run), run.workplace, _basis(run, explained)
    concepts, seed = explained["concepts"], run.params.seed
    (decision,) = decisions
    edits = _as_json(decision.edits)
    graphs: dict[str, StageResult] = {}
    teachers: dict[str, StageResult] = {}
    values: dict[str, list[JsonValue]] = {}
    for arm, applied in (("unmodified_graph", list[JsonValue]()), ("edited_graph", edits)):
        with work.about(_SUBJECTS[arm]):
            graphs[arm] = edit_graphs(work, concepts=concepts, edits=applied)
            values[arm] = work.artifacts.load_list(graphs[arm].outputs["graphs"])
            teachers[arm] = fit_teacher(
                work, basis=basis, concepts=concepts, graphs=values[arm], params=params, seed=seed
            )
    stages: dict[str, StageResult] = {f"graphs.{arm}": found for arm, found in graphs.items()}
    stages |= {f"teacher.{arm}": found for arm, found in teachers.items()}
    students = {
        (arm, number): {
            "basis": basis,
            "teacher": teachers[arm],
            "unmodified": teachers["unmodified_graph"],
            "original": values["unmodified_graph"],
            "graphs": values[arm],
            "params": run.params.distillation,
            "seed": seed + number,
        }
        for number in range(run.params.distillation.seeds)
        for arm in graphs
    }
    subjects = {f"{_SUBJECTS[arm]}, seed {seed + i}": one for (arm, i), one in students.items()}
    taught = fan_out(work, distil, subjects, run.params.fan_out, takes_gpu=True)
    return stages | {
        f"student.{arm}.{number}": student
        for (arm, number), student in zip(students, taught, strict=True)
    }


def evaluate(run: RunContext, explained: Stages, corrected: Stages) -> Evaluation:
    """Compare original, control and corrected students on the test images."""
    basis = _basis(run, explained)
    students = {
        arm: [corrected[f"student.{arm}.{i}"] for i in range(run.params.distillation.seeds)]
        for arm in ("unmodified_graph", "edited_graph")
    }
    compared = compare_arms(
        run.workplace,
        basis=basis,
        students=students,
        params=run.params.promotion,
        seed=run.params.seed,
    )
    edited = corrected["graphs.edited_graph"]
    shown = show_correction(
        run.workplace,
        basis=basis,
        explanation=explained["explanation"],
        edited=edited,
        teacher=corrected["teacher.edited_graph"],
        student=corrected["student.edited_graph.0"],
    )
    return evaluation_of(run.workplace, basis, explained, corrected, compared, shown)


def _carried(run: RunContext, basis: Basis, explained: Stages) -> StageResult | None:
    """Propose again what people said of these classes when their concepts were mined before."""
    params = _settings(run).carry_over
    if not params.enabled:
        return None
    earlier = earlier_edits(
        run.workplace,
        classes=basis.class_names,
        exemplars=explained["exemplars"],
        model=run.params.model_name,
        policies=run.policies,
    )
    if not earlier:
        return None
    return carry_over_edits(
        run.workplace,
        basis=basis,
        concepts=explained["concepts"],
        exemplars=explained["exemplars"],
        earlier=earlier,
        params=params,
    )


def _basis(run: RunContext, stages: Stages) -> Basis:
    return Basis(
        dataset=run.dataset,
        training=run.params.training,
        class_ids=_class_ids(stages["suggested"]),
        classifier=stages["classifier"],
        predictions=stages["predictions"],
        segmented=stages["segmented"],
    )


def _as_json(edits: Sequence[JsonObject]) -> list[JsonValue]:
    return [edit.model_dump(mode="json") for edit in read_graph_edits(edits)]


def _settings(run: RunContext) -> ConceptGraphParams:
    return ConceptGraphParams.model_validate(run.params.of_channel())


def _class_ids(suggested: StageResult) -> tuple[int, ...]:
    return tuple(suggested.int_list("class_ids"))
