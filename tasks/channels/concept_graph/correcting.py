"""Stages: the reviewer's edits applied, and students distilled from the teachers they give."""

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.channels.concept_graph import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from feedback.errors import DatasetError
from models.params import DistillationParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import load_graphs, load_matched, parse_graphs
from tasks.channels.concept_graph.segmenting import Universe, load_universe
from tasks.classifier import load_classifier, load_split
from tasks.prefix import shared_prefix
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor

    from models.imageset import ImageSet


@task(name="edit-graphs", cache_policy=NO_CACHE)
@stage("edit_graphs", version=1)
def edit_graphs(
    work: Work, *, concepts: StageResult, edits: list[JsonValue]
) -> dict[str, JsonValue]:
    """Apply a review's edits to the class graphs that were shown.

    Args:
        work: What the stage may touch.
        concepts: Concept bank and class graphs.
        edits: The accepted edits as JSON.

    Returns:
        Counts of edits; outputs ``graphs`` and ``edits``.
    """
    from models.concept_graph.edits import apply_edits, replaced_slots

    before = load_graphs(work, concepts)
    parsed = [GraphEdit.model_validate(edit) for edit in edits]
    after = apply_edits(before, parsed, load_bank(work, concepts))
    work.save_json("graphs", [graph.to_json() for graph in after])
    work.save_json("edits", [edit.model_dump(mode="json") for edit in parsed])
    return {
        "edits": sum(len(edit.ops) for edit in parsed),
        "replaced": int(replaced_slots(before, after).sum()),
        "described": describe_edits(parsed),
    }


def describe_edits(edits: list[GraphEdit]) -> list[JsonValue]:
    """List what a reviewer changed and why, one entry per edit."""
    rows: list[JsonValue] = []
    for edit in edits:
        for op in edit.ops:
            match op:
                case ReplaceConcept():
                    change = f"slot {op.slot}: {op.from_} → {op.to}"
                case RemoveEdge():
                    change = f"edge {op.src} → {op.dst} removed"
                case AddEdge():
                    arrow = "↔" if op.bidirectional else "→"
                    change = f"edge {op.src} {arrow} {op.dst} added"
            rows.append(
                {
                    "class_name": edit.class_name,
                    "op": op.op,
                    "change": change,
                    "reason": op.reason,
                }
            )
    return rows


@task(name="distil", cache_policy=NO_CACHE)
@stage("distil", version=1)
def distil(
    work: Work,
    *,
    basis: Basis,
    teacher: StageResult | None,
    unmodified: StageResult,
    original: list[JsonValue],
    graphs: list[JsonValue],
    params: DistillationParams,
    seed: int,
) -> dict[str, JsonValue]:
    """Train one student on the word of two teachers, and ask it about the test images.

    Args:
        work: What the stage may touch.
        basis: What was computed before; its classifier is teacher 2, from which the student starts.
        teacher: Teacher 1, a reasoner fitted to the labels; None leaves the word to teacher 2,
            which is self-training.
        unmodified: The teacher of the unmodified graphs, which knows where their concepts lie.
        original: The class graphs as they were mined, to know what an edit rejected.
        graphs: The class graphs of teacher 1.
        params: Transfer set, temperatures, weights and optimisation.
        seed: Seed of the batches.

    Returns:
        The last epoch's losses; outputs ``model``, ``spec``, ``test_logits`` and
        ``history``.
    """
    from models.distillation import two_teacher_loss
    from models.prediction import predict_logits
    from models.training import fit
    from tasks.checkpoints import load_latest, save_checkpoint

    transfer, targets = transfer_set(work, basis, teacher, unmodified, original, graphs, params)
    student = load_classifier(work.artifacts, basis.classifier).to(work.device())
    resumed = load_latest(work.scratch)
    # A process killed between its last epoch and its record has no epoch left to take them from.
    history: list[JsonValue] = list(resumed.history) if resumed else []
    metrics = resumed.state.metrics if resumed else {}
    for state in fit(
        student,
        transfer,
        two_teacher_loss(targets, transfer.labels, params),
        params=params,
        seed=seed,
        start=resumed.state if resumed else None,
        prefix=shared_prefix(work, student, transfer),
        precision=basis.training.precision,
    ):
        metrics = state.metrics
        history.append({"epoch": state.epoch, **metrics})
        save_checkpoint(work.scratch, state, history)
        work.progress(state.epoch, params.epochs, f"loss {state.metrics['loss']:.3f}")
    test = load_split(work, basis.dataset, "test", basis.training)
    work.save_tensors("model", student.state_dict())
    work.outputs["spec"] = basis.classifier.outputs["spec"]
    logits = predict_logits(student.eval(), test.images, 64, precision=basis.training.precision)
    work.save_tensors("test_logits", {"logits": logits})
    work.save_json("history", history)
    return {name: float(value) for name, value in metrics.items()}


def transfer_set(
    work: Work,
    basis: Basis,
    teacher: StageResult | None,
    unmodified: StageResult,
    original: list[JsonValue],
    graphs: list[JsonValue],
    params: DistillationParams,
) -> "tuple[ImageSet, Tensor]":
    """Return the transfer images and the combined word of the teachers on each."""
    import torch

    from models.distillation import combine_teachers
    from models.imageset import concatenate

    universe = load_universe(work, basis)
    reasoned = None if teacher is None else work.load_tensors(teacher, "logits")["logits"]
    logits = work.load_tensors(basis.predictions, "logits")
    fitted_on = work.load_tensors(basis.classifier, "split")["train"]
    wanted = {"train": ("train",), "pool": ("pool",), "both": ("train", "pool")}[params.transfer]
    parts, targets = [], []
    offset = 0
    for split in ("train", "pool"):
        rows = universe.rows[split]
        if split in wanted and split in logits:
            v1 = torch.zeros(len(logits[split]), len(basis.class_ids))
            matched = torch.zeros(len(v1), dtype=torch.bool)
            if reasoned is not None:
                v1[rows] = reasoned[offset : offset + len(rows)]
                matched[rows] = True
            word = combine_teachers(
                reasoner_logits=v1,
                classifier_logits=logits[split],
                class_ids=basis.class_ids,
                t1=params.temperature_reasoner,
                t2=params.temperature_classifier,
                matched=matched,
            )
            images = load_split(work, basis.dataset, split, basis.training)
            keep = fitted_on if split == "train" else torch.arange(len(images))
            parts.append(images.select(keep))
            targets.append(word[keep])
        offset += len(rows)
    if not parts:
        raise DatasetError(
            f"expected images to distil over in {params.transfer!r} (got none); "
            "add a pool/ to the dataset "
            "or set distillation.transfer to train"
        )
    if params.edit_augmentation != "off" and original != graphs:
        copies, word = _altered_copies(
            work, universe, unmodified, original, graphs, params, parts[0], targets[0]
        )
        parts.append(copies)
        targets.append(word)
    return concatenate(parts), torch.cat(targets)


def _altered_copies(
    work: Work,
    universe: Universe,
    unmodified: StageResult,
    original: list[JsonValue],
    graphs: list[JsonValue],
    params: DistillationParams,
    images: "ImageSet",
    targets: "Tensor",
) -> "tuple[ImageSet, Tensor]":
    """Return copies of training images without rejected concepts, or with those of another class.

    A copy keeps its label and what the teachers said of the unaltered image: the edit says that
    nothing about the class was lost.
    """
    import torch

    from models.concept_graph.augmentation import augment_edits, rejected_regions
    from models.imageset import ImageSet

    before, after = parse_graphs(original), parse_graphs(graphs)
    row_of = {name: row for row, name in enumerate(images.names)}
    own = universe.under_review & torch.tensor([name in row_of for name in universe.images.names])
    index = own.nonzero().flatten()
    matched = load_matched(work, unmodified)
    chosen = universe.images.select(index)
    regions = rejected_regions(before, after, matched, universe.segments, universe.images.labels)[
        index
    ]
    device = work.device()
    copies = augment_edits(
        chosen.images.to(device),
        chosen.labels.to(device),
        regions.to(device),
        "transplant" if params.edit_augmentation == "transplant" else "blank",
        torch.Generator().manual_seed(0),
    ).to("cpu")
    n_copies = round(params.edit_augmentation_share * len(copies.images))
    kept = torch.randperm(len(copies.images), generator=torch.Generator().manual_seed(1))[:n_copies]
    names = tuple(chosen.names[i] for i in copies.source_index[kept].tolist())
    word = targets[torch.tensor([row_of[name] for name in names], dtype=torch.int64)]
    made = ImageSet(
        images=copies.images[kept],
        labels=copies.labels[kept],
        names=tuple(f"{name}#{params.edit_augmentation}" for name in names),
        classes=images.classes,
    )
    return made, word
