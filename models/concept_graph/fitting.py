"""Fitting reasoners to image graphs: imitation of the classifier (GRN-0), or the labels (GRN-H).

Shape legend: B images · n class graphs · K concepts · E edges.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from feedback.errors import ExplanationError
from models.concept_graph.ensemble import ReasonerEnsemble
from models.concept_graph.graph import ClassGraph, ImageGraphs
from models.concept_graph.imitation import imitation_loss
from models.concept_graph.params import ReasonerParams
from models.concept_graph.reasoner import Absent, GraphReasoner

Objective = Literal["imitate", "classify"]

logger = logging.getLogger(__name__)


class EpochLosses(NamedTuple):
    """Mean losses of one pass.

    Attributes:
        training: Over the training images, while they were learned from.
        validation: Over the validation images, after the pass.
    """

    training: float
    validation: float


@dataclass(frozen=True)
class FittedReasoner:
    """Reasoners of several seeds, and how each of them went.

    Attributes:
        ensemble: In evaluation mode; every member as it was at its best validation loss.
        histories: Losses of every seed's epochs, in order of seeds.
        seed_losses: Best validation loss of every seed.
    """

    ensemble: ReasonerEnsemble
    histories: tuple[tuple[EpochLosses, ...], ...]
    seed_losses: tuple[float, ...]

    def epochs(self) -> list[dict[str, float]]:
        """Return one row per pass: mean losses of the members, and how many still learned.

        A member that has stopped counts with the losses that it stopped at.
        """
        rows = []
        for epoch in range(max(map(len, self.histories))):
            then = [history[min(epoch, len(history) - 1)] for history in self.histories]
            rows.append(
                {
                    "epoch": epoch + 1,
                    "loss": sum(one.training for one in then) / len(then),
                    "validation_loss": sum(one.validation for one in then) / len(then),
                    "learning": sum(len(history) > epoch for history in self.histories),
                }
            )
        return rows


class Agreement(NamedTuple):
    """How well a reasoner stands in for the classifier, over the classes with a graph.

    Attributes:
        top1: Share of images on which both prefer the same class.
        l1: Mean L1 distance between their probabilities, in [0, 2].
        n_images: Images that were compared.
    """

    top1: float
    l1: float
    n_images: int


def fit_reasoner(
    graphs: ImageGraphs,
    targets: Tensor,
    is_validation: Tensor,
    class_graphs: Sequence[ClassGraph],
    params: ReasonerParams,
    *,
    objective: Objective,
    absent: Absent = "learned",
    seed: int = 0,
    on_epoch: Callable[[int, int, EpochLosses], None] | None = None,
) -> FittedReasoner:
    """Fit one reasoner per seed and let them speak together.

    All of them, not the best: the best of several on a few validation images is a lucky one, and
    their mean is better than any (docs/decisions/0014).

    Args:
        graphs: Graphs of B images on any device; the reasoner is fitted there.
        targets: ``imitate``: the classifier's logits restricted to the n classes (B, n);
            ``classify``: position of the true class among the class graphs (B,), int64.
        is_validation: Images held out for early stopping (B,), bool.
        class_graphs: The n class graphs that the images were matched to.
        params: Widths, optimiser, patience, number of seeds.
        objective: ``imitate`` (``imitation_loss``) or ``classify`` (cross-entropy).
        absent: Feature of an undetected concept.
        seed: First seed; the others follow.
        on_epoch: Told seed, epoch (from 0) and losses after every pass.

    Returns:
        The ensemble, equal for equal arguments on one kind of device.

    Raises:
        ExplanationError: If there are no training or no validation images.
        ValueError: If targets do not fit the objective.
    """
    _check_targets(graphs, targets, len(class_graphs), objective)
    held_out = is_validation.to(graphs.nodes.device)
    if bool(held_out.all()) or not bool(held_out.any()):
        raise ExplanationError(
            "expected images to fit the reasoner on and others to stop it by "
            f"(got {int((~held_out).sum())} and {int(held_out.sum())}); "
            "give the classes more images or change validation_share"
        )
    targets = targets.to(graphs.nodes.device)
    training, validation = ~held_out, held_out
    sets = _Sets(
        graphs.select(training), targets[training], graphs.select(validation), targets[validation]
    )
    fits = []
    for one in range(seed, seed + params.n_seeds):
        reasoner = GraphReasoner(
            class_graphs, graphs.nodes.shape[-1], params, absent=absent, seed=one
        ).to(graphs.nodes.device)
        reasoner.standardise_from(sets.graphs)
        fits.append(_fit_one(reasoner, sets, objective, one, on_epoch))
    losses = tuple(one.best for one in fits)
    logger.info(
        "%d reasoners on %d images of %d classes, validation losses %s",
        len(fits), len(sets.graphs), len(class_graphs), ", ".join(f"{loss:.4f}" for loss in losses),
    )  # fmt: skip
    ensemble = ReasonerEnsemble([one.reasoner for one in fits]).eval()
    return FittedReasoner(ensemble, tuple(one.history for one in fits), losses)


def agreement(reasoner: ReasonerEnsemble, graphs: ImageGraphs, teacher_logits: Tensor) -> Agreement:
    """Compare reasoners with the classifier that they stand in for (Eq. 1 of He et al. 2023).

    Args:
        reasoner: Fitted to imitate.
        graphs: Graphs of B images, best of images that the fit has not seen.
        teacher_logits: The classifier's logits restricted to the n classes (B, n).

    Returns:
        Top-1 agreement and mean L1 gap; NaN without images.
    """
    if len(graphs) == 0:
        return Agreement(float("nan"), float("nan"), 0)
    logits = reasoner.logits(graphs)
    teacher = teacher_logits.to(logits.device)
    same = (logits.argmax(dim=1) == teacher.argmax(dim=1)).float().mean()
    return Agreement(float(same), float(imitation_loss(logits, teacher)), len(graphs))


class _Sets(NamedTuple):
    graphs: ImageGraphs
    targets: Tensor
    validation_graphs: ImageGraphs
    validation_targets: Tensor


class _Fit(NamedTuple):
    reasoner: GraphReasoner
    best: float
    history: tuple[EpochLosses, ...]


def _fit_one(
    reasoner: GraphReasoner,
    sets: _Sets,
    objective: Objective,
    seed: int,
    on_epoch: Callable[[int, int, EpochLosses], None] | None,
) -> _Fit:
    params = reasoner.params
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(
        [p for p in reasoner.parameters() if p.requires_grad],
        lr=params.lr,
        weight_decay=params.weight_decay,
        fused=True,
    )
    best, best_state, history, waited = float("inf"), reasoner.state_dict(), [], 0
    for epoch in range(params.epochs):
        reasoner.train()
        # Not read before the epoch ends: a GPU would wait for every step.
        total = torch.zeros((), dtype=torch.float64, device=reasoner.dependency.device)
        order = torch.randperm(len(sets.graphs), generator=generator)
        for batch in torch.split(order, params.batch_size):
            graphs, targets = sets.graphs.select(batch), sets.targets[batch]
            loss = _loss(reasoner.reason(graphs).logits, targets, objective, params)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            reasoner.project_dependency()
            total += loss.detach().double() * len(batch)
        logits = ReasonerEnsemble([reasoner]).logits(sets.validation_graphs)
        held_out = float(_loss(logits, sets.validation_targets, objective, params))
        history.append(EpochLosses(float(total) / len(sets.graphs), held_out))
        if on_epoch is not None:
            on_epoch(seed, epoch, history[-1])
        waited += 1
        if held_out < best:
            best, waited = held_out, 0
            best_state = {name: value.clone() for name, value in reasoner.state_dict().items()}
        if waited >= params.patience:
            break
    reasoner.load_state_dict(best_state)
    return _Fit(reasoner.eval(), best, tuple(history))


def _loss(logits: Tensor, targets: Tensor, objective: Objective, params: ReasonerParams) -> Tensor:
    if objective == "imitate":
        return imitation_loss(logits, targets, params.imitation)
    return functional.cross_entropy(logits, targets)


def _check_targets(
    graphs: ImageGraphs, targets: Tensor, n_classes: int, objective: Objective
) -> None:
    expected = (len(graphs), n_classes) if objective == "imitate" else (len(graphs),)
    if tuple(targets.shape) != expected or targets.is_floating_point() != (objective == "imitate"):
        raise ValueError(
            f"expected {'logits' if objective == 'imitate' else 'class positions'} of shape "
            f"{expected} (got {targets.dtype} {tuple(targets.shape)})"
        )
