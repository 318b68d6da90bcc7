"""Every teacher of the comparison: its class graphs, its fit, and how right it is itself."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import JsonValue
from torch import Tensor

from benchmarks.correction.arms import EDITED, UNMODIFIED, Teacher
from benchmarks.correction.controls import ask_teacher, fit_control, segment_test
from feedback.channels.concept_graph import GraphEdit
from models.concept_graph.params import ConceptGraphParams, CopyParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.correcting import edit_graphs
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import fit_teacher, parse_graphs
from tasks.stage import StageResult, Work
from tasks.workplace import Workplace

Fitted = dict[Teacher, StageResult]
Graphs = dict[Teacher, list[JsonValue]]


class Bench(NamedTuple):
    """Where teachers are made, and of what.

    Attributes:
        workplace: Where stages run.
        basis: What was computed before.
        concepts: Concept bank and class graphs as mined.
        params: The channel's parameters.
        seed: Seed of the trial.
    """

    workplace: Workplace
    basis: Basis
    concepts: StageResult
    params: ConceptGraphParams
    seed: int


def make_graphs(bench: Bench, edits: list[GraphEdit], teachers: Sequence[Teacher]) -> Graphs:
    """Return every teacher's class graphs: as mined, as edited, or after random edits of that size.

    Args:
        bench: Where and of what.
        edits: What the reviewer changed.
        teachers: Who needs graphs.
    """
    from models.concept_graph.random_edits import random_edits

    workplace = bench.workplace

    def edited(made: list[GraphEdit]) -> list[JsonValue]:
        dumped: list[JsonValue] = [edit.model_dump(mode="json") for edit in made]
        found = edit_graphs.fn(workplace, concepts=bench.concepts, edits=dumped)
        return workplace.artifacts.load_list(found.outputs["graphs"])

    work = Work(
        workplace.artifacts, Path(), workplace.cache_folder(), workplace.progress("random edits")
    )
    bank, mined = load_bank(work, bench.concepts), edited([])
    graphs: Graphs = {}
    for teacher in teachers:
        if teacher.graphs == "random":
            generator = torch.Generator().manual_seed(1000 * bench.seed + teacher.draw)
            graphs[teacher] = edited(random_edits(parse_graphs(mined), bank, edits, generator))
        else:
            graphs[teacher] = edited(edits) if teacher.graphs == "edited" else mined
    return graphs


def fit_teachers(bench: Bench, graphs: Graphs) -> Fitted:
    """Fit every teacher to the labels, the controls as their names say.

    Args:
        bench: Where and of what.
        graphs: Class graphs by teacher; those of the reviewer's edit among them.
    """
    return {teacher: _fit(bench, teacher, own, graphs[EDITED]) for teacher, own in graphs.items()}


def ask_teachers(
    bench: Bench,
    graphs: Graphs,
    fitted: Fitted,
    shares: StageResult,
    score: Callable[[Tensor, Tensor], dict[str, float]],
) -> dict[str, list[dict[str, float]]]:
    """Ask every teacher about the test images of the classes under review.

    Args:
        bench: Where and of what.
        graphs: Class graphs by teacher.
        fitted: Their reasoners.
        shares: Share of each concept's exemplars that lies on the object.
        score: Turns positions of test images and logits on them, over the classes under review,
            into accuracies.

    Returns:
        One row per draw by name: accuracies, ``validation`` among them, and the share of
        ``background`` concepts. ``classifier`` is the original network when it has to choose among
        the same classes.
    """
    basis, load = bench.basis, bench.workplace.artifacts.load_tensors
    segmented = segment_test(bench.workplace, basis=basis, params=bench.params)
    rows = load(segmented.outputs["rows"])["rows"]
    word = load(basis.predictions.outputs["logits"])["test"][rows][:, list(basis.class_ids)]
    found = {
        "classifier": [
            score(rows, word)
            | {"validation": fitted[UNMODIFIED].number("classifier_validation_accuracy")}
        ]
    }
    for teacher, result in fitted.items():
        asked = ask_teacher(
            bench.workplace,
            basis=basis,
            concepts=bench.concepts,
            segmented=segmented,
            teacher=result,
            graphs=graphs[teacher],
            params=bench.params,
        )
        scores = score(rows, load(asked.outputs["logits"])["logits"])
        scores["validation"] = result.number("validation_accuracy")
        scores["background"] = background_share(graphs[teacher], shares.facts)
        found.setdefault(teacher.name, []).append(scores)
    return found


def params_of(teacher: Teacher, params: ConceptGraphParams) -> ConceptGraphParams:
    """Return a teacher's parameters: the paper has one reasoner and no copies (decision 0014)."""
    if not teacher.paper:
        return params
    one = params.reasoner.model_copy(update={"n_seeds": 1})
    copies = CopyParams(blank=0, transplant=0)
    return params.model_copy(update={"reasoner": one, "copies": copies})


def background_share(graphs: list[JsonValue], shares: Mapping[str, JsonValue]) -> float:
    """Return the share of graph concepts whose exemplars lie mostly in the background."""
    known = [shares.get(concept) for graph in parse_graphs(graphs) for concept in graph.concepts]
    numbers = [value for value in known if isinstance(value, float)]
    return sum(value < 0.5 for value in numbers) / len(numbers) if numbers else 0.0


def _fit(
    bench: Bench, teacher: Teacher, graphs: list[JsonValue], edited: list[JsonValue]
) -> StageResult:
    params = params_of(teacher, bench.params)
    if teacher.same_copies or teacher.shuffled:
        return fit_control(
            bench.workplace,
            basis=bench.basis,
            concepts=bench.concepts,
            graphs=graphs,
            rejecting=edited if teacher.same_copies else graphs,
            shuffled=teacher.shuffled,
            params=params,
            seed=bench.seed,
        )
    return fit_teacher.fn(
        bench.workplace,
        basis=bench.basis,
        concepts=bench.concepts,
        graphs=graphs,
        params=params,
        seed=bench.seed,
    )
