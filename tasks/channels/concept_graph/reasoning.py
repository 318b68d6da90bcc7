"""Stages: match images to class graphs; fit reasoners to the classifier or to the labels."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from models.concept_graph.params import ConceptGraphParams
from tasks.artifacts import ArtifactStore
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.copies import match_copies
from tasks.channels.concept_graph.matching import match_universe
from tasks.channels.concept_graph.segmenting import (
    Universe,
    load_universe,
    universe_logits,
)
from tasks.channels.concept_graph.unseen import match_unseen
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor

    from models.concept_graph.ensemble import ReasonerEnsemble
    from models.concept_graph.fitting import EpochLosses
    from models.concept_graph.graph import ClassGraph, ImageGraphs


@task(name="imitate-classifier", cache_policy=NO_CACHE)
@stage("imitate_classifier", version=1)
def imitate_classifier(
    work: Work, *, basis: Basis, concepts: StageResult, params: ConceptGraphParams, seed: int
) -> dict[str, JsonValue]:
    """Fit the reasoner that explains the classifier, and measure how well it imitates it.

    Imitation needs no labels, so the pool takes part, and test images can measure it.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank and class graphs.
        params: Matching and reasoner.
        seed: First seed of the reasoner.

    Returns:
        ``agreement`` and ``l1`` on unseen images (``unseen.py``) and their number; outputs
        ``reasoner``, ``config``, ``matched`` and ``history``.
    """
    from models.concept_graph.fitting import agreement, fit_reasoner

    universe = load_universe(work, basis)
    graphs = load_graphs(work, concepts)
    matched = match_universe(work, universe, concepts, graphs, params, "explanation")
    teacher = universe_logits(work, basis, universe)[:, list(basis.class_ids)]
    fitted = fit_reasoner(
        matched.to(work.device()),
        teacher,
        universe.validation,
        graphs,
        params.reasoner,
        objective="imitate",
        absent=params.graph.absent,
        seed=seed,
        on_epoch=_epoch_progress(work, params, seed, "L1"),
    )
    measured = agreement(fitted.ensemble, *match_unseen(work, basis, concepts, graphs, params))
    work.save_tensors("reasoner", fitted.ensemble.state_dict())
    work.save_json("config", fitted.ensemble.config())
    work.save_json("history", [{**row} for row in fitted.epochs()])
    work.save_tensors("matched", vars(matched))
    return {
        "agreement": measured.top1,
        "l1": measured.l1,
        "held_out_images": measured.n_images,
        "seed_losses": list(fitted.seed_losses),
    }


@task(name="fit-teacher", cache_policy=NO_CACHE)
@stage("fit_teacher", version=1)
def fit_teacher(
    work: Work,
    *,
    basis: Basis,
    concepts: StageResult,
    graphs: list[JsonValue],
    params: ConceptGraphParams,
    seed: int,
) -> dict[str, JsonValue]:
    """Fit a reasoner to the labels through given class graphs: teacher 1 (GRN-H).

    Where an edit replaced concepts, it also learns from altered copies (``copies.py``). Unmodified
    graphs reject nothing, so their teacher has none.

    Deviates from the paper: it has no copies.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank.
        graphs: The class graphs, unmodified or edited, as JSON.
        params: Matching and reasoner.
        seed: First seed of the reasoner.

    Returns:
        Accuracy on the unaltered validation images, and the classifier's there when it has to
        choose among the same classes; outputs ``logits`` on all images, ``reasoner``, ``config``,
        ``matched`` and ``history``.
    """
    universe, class_graphs = load_universe(work, basis), parse_graphs(graphs)
    lesson = prepare_lesson(
        work, basis, concepts, universe, class_graphs, class_graphs, params, seed
    )
    facts = learn_lesson(work, universe, lesson, universe.local_labels, class_graphs, params, seed)
    held_out = universe.under_review & universe.validation
    word = universe_logits(work, basis, universe)[held_out][:, list(basis.class_ids)]
    right = word.argmax(dim=1) == universe.local_labels[held_out]
    return facts | {"classifier_validation_accuracy": float(right.float().mean())}


class Lesson(NamedTuple):
    """What a reasoner learns the labels from.

    Attributes:
        matched: Graphs of all B images of the universe.
        learned: Graphs of the labelled images of the classes under review, then of their copies.
        rows: Position in the universe of the image that each of ``learned`` shows.
    """

    matched: "ImageGraphs"
    learned: "ImageGraphs"
    rows: "Tensor"


def prepare_lesson(
    work: Work,
    basis: Basis,
    concepts: StageResult,
    universe: Universe,
    graphs: "Sequence[ClassGraph]",
    rejecting: "Sequence[ClassGraph]",
    params: ConceptGraphParams,
    seed: int,
) -> Lesson:
    """Match the images, and copies of them without what an edit rejected.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        concepts: Concept bank and class graphs as mined.
        universe: The images.
        graphs: The n class graphs to match to.
        rejecting: The same classes after the edit that the copies are about: ``graphs`` themselves,
            or others for a control that has the copies but not the edit.
        params: Copies and matching.
        seed: Seed of the copies.
    """
    from torch import cat

    from models.concept_graph.graph import concatenate_graphs

    edit = (load_graphs(work, concepts), rejecting)
    matched = match_universe(work, universe, concepts, graphs, params, "correction")
    own = universe.under_review
    learned, rows = matched.select(own), own.nonzero().flatten()
    copies = match_copies(work, basis, concepts, universe, edit, graphs, params, seed)
    if copies is not None:
        learned, rows = concatenate_graphs([learned, copies[0]]), cat([rows, copies[1]])
    return Lesson(matched, learned, rows)


def learn_lesson(
    work: Work,
    universe: Universe,
    lesson: Lesson,
    targets: "Tensor",
    class_graphs: "Sequence[ClassGraph]",
    params: ConceptGraphParams,
    seed: int,
) -> dict[str, JsonValue]:
    """Fit reasoners to the labels, keep them, and judge them on the validation images.

    Args:
        work: What the stage may touch; gets the outputs of ``fit_teacher``.
        universe: The images.
        lesson: What is learned from.
        targets: Class of every image of the universe as it is taught (B,), int64.
        class_graphs: The n class graphs that the lesson was matched to.
        params: Reasoner.
        seed: First seed of the reasoner.

    Returns:
        Accuracy on the unaltered validation images by their own labels, and counts.
    """
    from models.concept_graph.fitting import fit_reasoner

    fitted = fit_reasoner(
        lesson.learned.to(work.device()),
        targets[lesson.rows],
        universe.validation[lesson.rows],
        class_graphs,
        params.reasoner,
        objective="classify",
        absent=params.graph.absent,
        seed=seed,
        on_epoch=_epoch_progress(work, params, seed, "loss"),
    )
    logits, own = fitted.ensemble.logits(lesson.matched).cpu(), universe.under_review
    held_out = own & universe.validation
    right = logits[held_out].argmax(dim=1) == universe.local_labels[held_out]
    work.save_tensors("logits", {"logits": logits})
    work.save_tensors("reasoner", fitted.ensemble.state_dict())
    work.save_json("config", fitted.ensemble.config())
    work.save_json("history", [{**row} for row in fitted.epochs()])
    work.save_tensors("matched", vars(lesson.matched))
    return {
        "validation_accuracy": float(right.float().mean()),
        "validation_images": len(right),
        "detected": float(lesson.matched.present[own].float().mean()),
        "copies": len(lesson.rows) - int(own.sum()),
    }


def load_graphs(work: Work, concepts: StageResult) -> "list[ClassGraph]":
    """Return the class graphs as they were mined."""
    stored = work.load_json(concepts, "graphs")
    return parse_graphs(stored if isinstance(stored, list) else [])


def parse_graphs(values: Sequence[JsonValue]) -> "list[ClassGraph]":
    """Rebuild class graphs from their JSON."""
    from models.concept_graph.graph import ClassGraph

    return [ClassGraph.from_json(value) for value in values if isinstance(value, dict)]


def load_reasoner(work: Work, result: StageResult) -> "ReasonerEnsemble":
    """Rebuild fitted reasoners in evaluation mode."""
    return build_reasoner(work.artifacts, result)


def build_reasoner(artifacts: ArtifactStore, result: StageResult) -> "ReasonerEnsemble":
    """Rebuild fitted reasoners in evaluation mode from the store."""
    from models.concept_graph.ensemble import ReasonerEnsemble

    config = artifacts.load_json(result.outputs["config"])
    reasoner = ReasonerEnsemble.from_config(config if isinstance(config, dict) else {})
    reasoner.load_state_dict(artifacts.load_tensors(result.outputs["reasoner"]))
    return reasoner.eval()


def load_matched(work: Work, result: StageResult) -> "ImageGraphs":
    """Return the image graphs that a stage matched."""
    from models.concept_graph.graph import ImageGraphs

    return ImageGraphs(**work.load_tensors(result, "matched"))


def _epoch_progress(
    work: Work, params: ConceptGraphParams, seed: int, loss: str
) -> "Callable[[int, int, EpochLosses], None]":
    """Report the epochs of all seeds as one series."""
    epochs, total = params.reasoner.epochs, params.reasoner.n_seeds * params.reasoner.epochs

    def report(one: int, epoch: int, losses: "EpochLosses") -> None:
        work.progress((one - seed) * epochs + epoch + 1, total, f"{loss} {losses.validation:.3f}")

    return report
