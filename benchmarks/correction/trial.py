"""One seed of the benchmark: the product's own stages on a fresh world, then every arm.

Stages are keyed by content, so a benchmark that was killed goes on where it was.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.correction.arms import UNMODIFIED, Arm, by_transfer, teachers_of
from benchmarks.correction.preparing import Prepared, World, open_world, prepare
from benchmarks.correction.teachers import Bench, ask_teachers, fit_teachers, make_graphs
from benchmarks.correction.worlds import conditions
from feedback.channels.concept_graph import GraphEdit, GraphEvidence
from flows.params import PipelineParams
from models.concept_graph.params import ConceptGraphParams
from models.metrics import per_class_accuracy
from tasks.channels.concept_graph.correcting import distil
from tasks.channels.concept_graph.explaining import explain_classes
from tasks.channels.concept_graph.reviewing import measure_object_share
from tasks.dataset.images import load_images
from tasks.dataset.layout import read_index
from tasks.stage import StageResult
from tasks.workplace import Workplace

Scores = dict[str, list[dict[str, float]]]


@dataclass
class Trial:
    """What one seed found.

    Attributes:
        scores: Accuracies by arm; several rows for an arm that was drawn several times.
        teachers: The same of the teachers themselves, over the classes under review alone, and the
            share of background concepts in their graphs.
        facts: Agreement and edits.
        seconds: Time of every kind of stage, as it was when it was computed.
    """

    scores: Scores = field(default_factory=dict)
    teachers: Scores = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def run_trial(
    workplace: Workplace,
    folder: Path,
    params: PipelineParams,
    arms: Sequence[Arm],
    seed: int,
    *,
    left_out: frozenset[str] = frozenset(),
    check: Callable[[Trial], None] = lambda trial: None,
) -> Trial:
    """Train, explain, review, fit every teacher, and try the arms.

    Args:
        workplace: Where stages run; of one seed.
        folder: The seed's dataset.
        params: Settings, fixed beforehand.
        arms: All arms.
        seed: Seed of the classifier, the reasoners and the students.
        left_out: Names of arms that need not be tried, because their scores are known.
        check: Told of the trial before the teachers are fitted, and again when they are scored; may
            refuse to go on.

    Returns:
        Everything but the scores of the arms left out.
    """
    world = open_world(workplace, folder, params)
    prepared = prepare(workplace, *world, seed)
    score = _Judge(workplace, folder, world)
    trial = Trial()
    predicted = prepared.basis.predictions.outputs["logits"]
    trial.scores["original"] = [score(workplace.artifacts.load_tensors(predicted)["test"])]
    shares = measure_object_share.fn(workplace, basis=prepared.basis, concepts=prepared.concepts)
    edits = _review(workplace, prepared, shares, world.channel, seed)
    trial.facts = {
        "agreement": prepared.reasoner.number("agreement"),
        "l1": prepared.reasoner.number("l1"),
        "edits": sum(len(edit.ops) for edit in edits),
    }
    check(trial)
    bench = Bench(workplace, prepared.basis, prepared.concepts, world.channel, seed)
    graphs = make_graphs(bench, edits, teachers_of(arms))
    fitted = fit_teachers(bench, graphs)
    trial.teachers = ask_teachers(bench, graphs, fitted, shares, score.among_reviewed)
    check(trial)
    # Arms over the same images share the outputs of the frozen layers.
    for arm in by_transfer(arms):
        if arm.name in left_out:
            continue
        teacher = arm.teacher
        student = distil.fn(
            workplace,
            basis=prepared.basis,
            teacher=None if teacher is None else fitted[teacher],
            unmodified=fitted[UNMODIFIED],
            original=graphs[UNMODIFIED],
            graphs=graphs[teacher or UNMODIFIED],
            params=params.distillation.model_copy(update=arm.settings),
            seed=seed,
        )
        logits = workplace.artifacts.load_tensors(student.outputs["test_logits"])["logits"]
        trial.scores.setdefault(arm.name, []).append(score(logits))
    seconds: dict[str, float] = defaultdict(float)
    for result in workplace.results:
        seconds[result.name] += result.seconds
    trial.seconds = {name: round(value, 1) for name, value in seconds.items()}
    return trial


def _review(
    workplace: Workplace,
    prepared: Prepared,
    shares: StageResult,
    channel: ConceptGraphParams,
    seed: int,
) -> list[GraphEdit]:
    """Let the simulated reviewer look at the evidence."""
    from models.concept_graph.reviewer import simulate_review

    basis, concepts, reasoner = prepared
    explanation = explain_classes.fn(
        workplace, basis=basis, concepts=concepts, reasoner=reasoner, seed=seed
    )
    evidence = GraphEvidence.model_validate(
        workplace.artifacts.load_json(explanation.outputs["evidence"])
    )
    known = {k: v if isinstance(v, float) else None for k, v in shares.facts.items()}
    return list(simulate_review(evidence, known, channel.reviewer).edits)


class _Judge:
    """Scores logits on the test images of a world: mean-of-classes accuracies by group."""

    def __init__(self, workplace: Workplace, folder: Path, world: World) -> None:
        training = world.params.training
        test = load_images(
            read_index(world.dataset.path),
            "test",
            size=training.image_size,
            resize=training.resize,
            cache_dir=workplace.cache_folder(),
            dataset_md5=world.dataset.md5,
        )
        self._labels = test.labels
        self._ids = torch.tensor(world.class_ids)
        condition = np.array(conditions(folder, test.names))
        self._conflict = torch.from_numpy(condition == "conflict")

    def __call__(self, logits: Tensor) -> dict[str, float]:
        """Score a network: edited classes on conflict and clean images, others, all."""
        edited = torch.isin(self._labels, self._ids)
        return _accuracies(
            logits,
            self._labels,
            {
                "conflict": edited & self._conflict,
                "clean": edited & ~self._conflict,
                "edited": edited,
                "others": ~edited,
                "all": torch.ones_like(edited),
            },
        )

    def among_reviewed(self, rows: Tensor, logits: Tensor) -> dict[str, float]:
        """Score logits over the classes under review on test images at ``rows``, all of these."""
        conflict = self._conflict[rows]
        groups = {
            "conflict": conflict,
            "clean": ~conflict,
            "edited": torch.ones_like(conflict),
        }
        return _accuracies(logits, torch.searchsorted(self._ids, self._labels[rows]), groups)


def _accuracies(logits: Tensor, labels: Tensor, groups: Mapping[str, Tensor]) -> dict[str, float]:
    return {
        name: float(np.nanmean(per_class_accuracy(logits[rows], labels[rows]).numpy()))
        for name, rows in groups.items()
        if bool(rows.any())
    }
