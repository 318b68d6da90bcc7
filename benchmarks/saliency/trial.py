"""One seed of the benchmark: training with a simulated reviewer's squares, and its controls."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import JsonValue
from torch import Tensor

from benchmarks.correction.worlds import conditions
from benchmarks.saliency.arms import Arm, twins_of
from feedback.channels.saliency_grid import read_marks
from flows.params import PipelineParams
from models.calibration import expected_calibration_error
from models.imageset import ImageSet
from models.metrics import negative_log_likelihood, per_class_accuracy
from models.saliency_grid.params import SaliencyGridParams
from tasks.channels.saliency_grid.banking import bank_feedback
from tasks.channels.saliency_grid.basis import Basis, digest_images
from tasks.channels.saliency_grid.control import draw_random_marks
from tasks.channels.saliency_grid.evaluating import look_again
from tasks.channels.saliency_grid.explaining import explain_images
from tasks.channels.saliency_grid.reviewing import (
    build_review_bundle,
    measure_object_cells,
    simulated_answer,
)
from tasks.channels.saliency_grid.said import Said
from tasks.channels.saliency_grid.training import TEST_LOSS, penalty_on, train_guided
from tasks.classifier import train_classifier
from tasks.dataset.images import load_images
from tasks.dataset.layout import read_index
from tasks.dataset.opening import open_dataset
from tasks.stage import StageResult
from tasks.weights import weights_digest
from tasks.workplace import Workplace

CONFLICT = "accuracy where the shortcut misleads"
"""Measure on the test images that carry another class's cue, where the dataset says which do."""
WATCHED = 300
"""Test images whose loss is measured after every epoch."""


@dataclass
class Trial:
    """What one seed found.

    Attributes:
        scores: Accuracy, losses and calibration on the test images, by arm.
        facts: Clicks, marked images, and where the networks look before and after on the cells that
            were marked, of arms with marks; those of random squares are their twins'.
    """

    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def run_trial(
    workplace: Workplace,
    folders: dict[str, Path],
    params: PipelineParams,
    arms: dict[str, Arm],
    seed: int,
) -> Trial:
    """Train every arm, asking the simulated reviewer where an arm has one.

    Args:
        workplace: Where stages run.
        folders: Datasets of the seed.
        params: Settings, fixed beforehand.
        arms: What to try; random squares after the arm whose marks they move.
        seed: Seed of weights and batches.

    Raises:
        ValueError: If random squares come without, or before, the marked ones.
    """
    trial, twins = Trial(), twins_of(arms)
    bases = {name: _basis(workplace, folder, params, seed) for name, folder in folders.items()}
    finals: dict[str, StageResult] = {}
    runs: dict[str, _Training] = {}
    test = _test_images(workplace, bases["low"])
    misled = _misled(folders["full"], test.names)
    for name, arm in arms.items():
        twin = runs[twins[name]] if name in twins else None
        found = finals[arm.around].number("strength") if arm.around else None
        run = runs[name] = _Training(workplace, bases[arm.data], params, arm, seed, twin, found)
        finals[name] = run.train()
        trial.scores[name] = run.scores(finals[name], test.labels, misled)
        if run.banks:
            looked = look_again.fn(
                workplace,
                basis=bases["low"],
                bank=run.banks[-1],
                original=finals["baseline, 10 %"],
                corrected=finals[name],
                explainer=run.channel.explainer,
            )
            trial.facts[name] = {
                **looked.facts,
                "clicks": run.clicks,
                "lambda": finals[name].facts["strength"],
            }
    return trial


class _Training:
    """One arm, from one round of asking to the next, its test loss watched after every epoch.

    With a twin nobody is asked: its marks of every round are moved, as a run's control does, so
    that the two differ in where the squares are; and, where lambda is found in training, in what
    it comes to on them.
    """

    def __init__(
        self,
        workplace: Workplace,
        basis: Basis,
        params: PipelineParams,
        arm: Arm,
        seed: int,
        twin: "_Training | None" = None,
        found: float | None = None,
    ) -> None:
        self.channel = SaliencyGridParams.model_validate(params.of_channel())
        self.banks: list[StageResult] = list(twin.banks) if twin is not None else []
        self.clicks = twin.clicks if twin is not None else 0
        self._workplace, self._basis, self._params = workplace, basis, params
        self._penalty = arm.penalty_of(self.channel.penalty, found)
        self._arm, self._seed = arm, seed
        self._asked: list[str] = []

    def train(self) -> StageResult:
        """Train to the last epoch and return it."""
        last = self._params.training.epochs
        rounds = self.channel.sampling.feedback_epochs if self._arm.marks != "none" else ()
        first, *later = *(epoch for epoch in rounds if epoch < last), last
        state = self._until(first, None, [])
        for round, until in enumerate(later, start=1):
            if self._arm.marks == "marked":
                self._ask(state, round)
            state = self._until(until, state, self._marks(self.banks[round - 1]))
        return state

    def scores(self, state: StageResult, labels: Tensor, misled: Tensor | None) -> dict[str, float]:
        """Measure the test images after the last epoch, and the least loss after any."""
        store = self._workplace.artifacts
        logits = store.load_tensors(state.outputs["test_logits"])["logits"]
        progress = store.load_json(state.outputs["progress"])
        history = progress["history"] if isinstance(progress, dict) else []
        shortcut = (
            {}
            if misled is None
            else {CONFLICT: float(per_class_accuracy(logits[misled], labels[misled]).nanmean())}
        )
        return shortcut | {
            "accuracy": float(per_class_accuracy(logits, labels).nanmean()),
            "loss": float(negative_log_likelihood(logits, labels)),
            "minimum loss": min(epoch[TEST_LOSS] for epoch in history),
            "ece": float(expected_calibration_error(logits.softmax(dim=1), labels)),
        }

    def _until(self, until: int, state: StageResult | None, marks: list[JsonValue]) -> StageResult:
        return train_guided.fn(
            self._workplace,
            basis=self._basis,
            classifier=self._params.classifier,
            weights_sha256=weights_digest(self._params.classifier.weights),
            start=state,
            until=until,
            marks=marks,
            penalty=penalty_on(marks, self._penalty),
            seed=self._seed,
            watched=WATCHED,
        )

    def _ask(self, state: StageResult, round: int) -> None:
        workplace, basis, cells = self._workplace, self._basis, self.channel.grid.cells
        explained = explain_images.fn(
            workplace,
            basis=basis,
            trained=state,
            asked=sorted(self._asked),
            params=self.channel,
            seed=self._seed,
        )
        bundle, _ = build_review_bundle.fn(
            workplace,
            basis=basis,
            explained=explained,
            model_name="benchmark",
            run="benchmark",
            round=round,
        )
        self._asked += [item.id for item in bundle.items]
        shares = measure_object_cells.fn(workplace, basis=basis, explained=explained, cells=cells)
        known = shares.facts["shares"]
        answer = simulated_answer(
            bundle, known if isinstance(known, dict) else {}, self.channel.reviewer
        )
        self.clicks += sum(len(marks.cells) for marks in read_marks(answer.responses))
        self.banks.append(
            bank_feedback.fn(
                workplace,
                basis=basis,
                before=self.banks[-1] if self.banks else None,
                said=[Said(agreed=read_marks(answer.responses))],
                params=self.channel,
            )
        )

    def _marks(self, bank: StageResult) -> list[JsonValue]:
        if self._arm.marks == "random":
            bank = draw_random_marks.fn(self._workplace, bank=bank, seed=self._seed)
        return self._workplace.artifacts.load_list(bank.outputs["marks"])


def _basis(workplace: Workplace, folder: Path, params: PipelineParams, seed: int) -> Basis:
    dataset = open_dataset(workplace, folder, unversioned="allow", training=params.training)
    # Only its split and its specification are used; one epoch gives both.
    short = params.training.model_copy(update={"epochs": 1})
    classifier = train_classifier.fn(
        workplace,
        dataset=dataset,
        classifier=params.classifier,
        training=short,
        weights_sha256=weights_digest(params.classifier.weights),
        seed=seed,
    )
    return Basis(
        dataset=dataset,
        training=params.training,
        classifier=classifier,
        digests=digest_images.fn(workplace, dataset=dataset),
    )


def _misled(folder: Path, names: tuple[str, ...]) -> Tensor | None:
    """Return the test images that a shortcut misleads; None where nobody planted one by name."""
    if not (folder / "meta.json").exists():
        return None
    return torch.tensor([one == "conflict" for one in conditions(folder, names)])


def _test_images(workplace: Workplace, basis: Basis) -> ImageSet:
    return load_images(
        read_index(basis.dataset.path),
        "test",
        size=basis.training.image_size,
        resize=basis.training.resize,
        cache_dir=workplace.cache_folder(),
        dataset_md5=basis.dataset.md5,
    )
