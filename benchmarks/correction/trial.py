"""One seed of the benchmark: the product's own stages on a fresh world, then every arm.

Stages are keyed by content, so a benchmark that was killed goes on where it was.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import JsonValue
from torch import Tensor

from benchmarks.correction.arms import Arm
from benchmarks.correction.preparing import open_world, prepare
from benchmarks.correction.worlds import conditions
from feedback.channels.concept_graph import GraphEdit, GraphEvidence
from flows.params import PipelineParams
from models.concept_graph.params import ConceptGraphParams
from models.metrics import per_class_accuracy
from tasks.channels.concept_graph.correcting import distil, edit_graphs
from tasks.channels.concept_graph.explaining import explain_classes
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import fit_teacher, parse_graphs
from tasks.channels.concept_graph.reviewing import measure_object_share
from tasks.dataset.images import load_images
from tasks.dataset.layout import read_index
from tasks.stage import StageResult, Work
from tasks.workplace import Workplace


@dataclass
class Trial:
    """What one seed found.

    Attributes:
        scores: Accuracies by arm; several rows for an arm that was drawn several times.
        facts: Agreement, edits, teachers' validation accuracy, share of background concepts.
    """

    scores: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def run_trial(
    workplace: Workplace, folder: Path, params: PipelineParams, arms: list[Arm], seed: int
) -> Trial:
    """Train, explain, review, and try every arm.

    Args:
        workplace: Where stages run.
        folder: The seed's dataset.
        params: Settings, fixed beforehand.
        arms: What to try.
        seed: Seed of the classifier, the reasoners and the students.
    """
    world = open_world(workplace, folder, params)
    dataset, _, channel, class_ids = world
    basis, concepts, reasoner = prepare(workplace, *world, seed)
    explanation = explain_classes.fn(
        workplace, basis=basis, concepts=concepts, reasoner=reasoner, seed=seed
    )
    shares = measure_object_share.fn(workplace, basis=basis, concepts=concepts)
    edits = _review(workplace, explanation, shares, channel)
    graphs = _graphs(workplace, concepts, edits, arms, seed)
    teachers = {
        name: fit_teacher.fn(
            workplace, basis=basis, concepts=concepts, graphs=values, params=channel, seed=seed
        )
        for name, values in graphs.items()
    }
    test = load_images(
        read_index(dataset.path),
        "test",
        size=params.training.image_size,
        resize=params.training.resize,
        cache_dir=workplace.cache_folder(),
        dataset_md5=dataset.md5,
    )
    condition = np.array(conditions(folder, test.names))

    def score(logits: Tensor) -> dict[str, float]:
        return _score(logits, test.labels, condition, class_ids)

    trial = Trial()
    original = workplace.artifacts.load_tensors(basis.predictions.outputs["logits"])["test"]
    trial.scores["original"] = [score(original)]
    # Arms over the same images one after the other: they share the outputs of the frozen layers.
    for arm in sorted(arms, key=lambda arm: str(arm.settings["transfer"])):
        name = f"random{arm.draw}" if arm.graphs == "random" else arm.graphs
        student = distil.fn(
            workplace,
            basis=basis,
            teacher=teachers.get(name),
            unmodified=teachers["unmodified"],
            original=graphs["unmodified"],
            graphs=graphs.get(name, graphs["unmodified"]),
            params=params.distillation.model_copy(update=arm.settings),
            seed=seed,
        )
        logits = workplace.artifacts.load_tensors(student.outputs["test_logits"])["logits"]
        trial.scores.setdefault(arm.name, []).append(score(logits))
    trial.facts = {
        "agreement": reasoner.number("agreement"),
        "l1": reasoner.number("l1"),
        "edits": sum(len(edit.ops) for edit in edits),
        "teacher_validation_accuracy": {
            name: found.number("validation_accuracy") for name, found in teachers.items()
        },
        "background_concepts": {
            name: _background_share(graphs[name], shares) for name in ("unmodified", "edited")
        },
    }
    return trial


def _review(
    workplace: Workplace,
    explanation: StageResult,
    shares: StageResult,
    channel: ConceptGraphParams,
) -> list[GraphEdit]:
    """Let the simulated reviewer look at the evidence."""
    from models.concept_graph.reviewer import simulate_review

    evidence = GraphEvidence.model_validate(
        workplace.artifacts.load_json(explanation.outputs["evidence"])
    )
    known = {k: v if isinstance(v, float) else None for k, v in shares.facts.items()}
    return list(simulate_review(evidence, known, channel.reviewer).edits)


def _graphs(
    workplace: Workplace,
    concepts: StageResult,
    edits: list[GraphEdit],
    arms: list[Arm],
    seed: int,
) -> dict[str, list[JsonValue]]:
    """Return the class graphs as mined, as edited, and after random edits of the same size."""
    from models.concept_graph.random_edits import random_edits

    def edited(made: list[GraphEdit]) -> list[JsonValue]:
        dumped: list[JsonValue] = [edit.model_dump(mode="json") for edit in made]
        found = edit_graphs.fn(workplace, concepts=concepts, edits=dumped)
        return workplace.artifacts.load_list(found.outputs["graphs"])

    graphs = {"unmodified": edited([]), "edited": edited(edits)}
    work = Work(
        workplace.artifacts, Path(), workplace.cache_folder(), workplace.progress("random edits")
    )
    bank, before = load_bank(work, concepts), parse_graphs(graphs["unmodified"])
    for draw in sorted({arm.draw for arm in arms if arm.graphs == "random"}):
        generator = torch.Generator().manual_seed(1000 * seed + draw)
        graphs[f"random{draw}"] = edited(random_edits(before, bank, edits, generator))
    return graphs


def _background_share(graphs: list[JsonValue], shares: StageResult) -> float:
    """Return the share of graph concepts whose exemplars lie mostly in the background."""
    known = [
        shares.facts.get(concept) for graph in parse_graphs(graphs) for concept in graph.concepts
    ]
    numbers = [value for value in known if isinstance(value, float)]
    return sum(value < 0.5 for value in numbers) / len(numbers) if numbers else float("nan")


def _score(
    logits: Tensor, labels: Tensor, condition: "np.ndarray[Any, Any]", class_ids: tuple[int, ...]
) -> dict[str, float]:
    """Return mean-of-classes accuracies: edited classes on conflict and clean images, others."""
    edited = torch.isin(labels, torch.tensor(class_ids))
    conflict = torch.from_numpy(condition == "conflict")
    groups = {
        "conflict": edited & conflict,
        "clean": edited & ~conflict,
        "edited": edited,
        "others": ~edited,
        "all": torch.ones_like(edited),
    }
    return {
        name: float(np.nanmean(per_class_accuracy(logits[rows], labels[rows]).numpy()))
        for name, rows in groups.items()
        if bool(rows.any())
    }
