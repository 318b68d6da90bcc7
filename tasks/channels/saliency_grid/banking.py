"""Stage: what people have marked so far, by the content of the images."""

import csv
import io
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.channels.saliency_grid import CellMarks, read_marks
from tasks.channels.saliency_grid.basis import Basis, load_fitted
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor

SETTLED_ELSEWHERE = frozenset({"label_suspect", "unusable"})
"""Flags of images whose marks are not trained on until somebody has looked at the image itself."""
LABEL_QUEUE = "label_queue.csv"


@task(name="bank-feedback", cache_policy=NO_CACHE)
@stage("bank_feedback", version=1)
def bank_feedback(
    work: Work,
    *,
    basis: Basis,
    before: StageResult | None,
    responses: list[JsonValue],
    max_area: float,
) -> dict[str, JsonValue]:
    """Add accepted marks to those of earlier rounds, and doubt those that nobody would give.

    A later answer on an image takes the place of an earlier one. Contradictions between reviewers
    of one request never get here: the gate takes neither answer.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        before: The bank so far; None for an empty one.
        responses: Accepted responses as JSON.
        max_area: Marking more of an image than this is doubted.

    Returns:
        Counts of images, clicks, flags and doubts; outputs ``marks`` (image, name, weights of the
        cells), ``doubts`` and ``label_queue``.
    """
    from models.saliency_grid.suspicion import suspicions

    images, digests = load_fitted(work, basis)
    row_of = {digest: row for row, digest in enumerate(digests)}
    bank = {str(entry["image"]): entry for entry in _entries(work, before, "marks")}
    doubts = {str(entry["image"]): entry for entry in _entries(work, before, "doubts")}
    queue = {str(entry["image"]): entry for entry in _entries(work, before, "queue")}
    clicks, unknown = 0, 0
    for answer in read_marks([one for one in responses if isinstance(one, dict)]):
        row = row_of.get(answer.image)
        if row is None:
            # No longer in the dataset, or carved out: there is nothing to train on.
            unknown += 1
            continue
        name = images.names[row]
        clicks += len(answer.cells)
        flagged = sorted(set(answer.flags) & SETTLED_ELSEWHERE)
        if answer.flags:
            queue[answer.image] = _queued(answer, name)
        mask = None if images.masks is None else images.masks[row]
        found = suspicions(answer, max_area=max_area, mask=mask)
        if found:
            doubts[answer.image] = {"image": answer.image, "name": name, "doubts": list(found)}
        bank.pop(answer.image, None)
        if answer.cells and not flagged:
            bank[answer.image] = {
                "image": answer.image,
                "name": name,
                "weights": _weights(answer).tolist(),
            }
    work.save_json("marks", list(bank.values()))
    work.save_json("doubts", list(doubts.values()))
    work.save_json("queue", list(queue.values()))
    return {
        "marked_images": len(bank),
        "clicks": clicks,
        "flagged": len(queue),
        "doubted": len(doubts),
        "unknown_images": unknown,
    }


def load_marks(work: Work, bank: StageResult) -> list[JsonValue]:
    """Return the marked images of a bank."""
    return [*_entries(work, bank, "marks")]


def label_queue(entries: list[JsonValue]) -> str:
    """Return flagged images as CSV, for whoever looks after the labels.

    Args:
        entries: Output ``queue`` of a bank.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("name", "sha256", "flags", "artefact", "comment"))
    for entry in entries:
        if isinstance(entry, dict):
            cells = (entry["name"], entry["image"], entry["flags"], entry["artefact"])
            writer.writerow([_inert(str(cell)) for cell in (*cells, entry["comment"])])
    return buffer.getvalue()


def _queued(answer: CellMarks, name: str) -> dict[str, JsonValue]:
    return {
        "image": answer.image,
        "name": name,
        "flags": " ".join(answer.flags),
        "artefact": answer.artefact or "",
        "comment": answer.comment,
    }


def _inert(cell: str) -> str:
    # Spreadsheets take such a cell for a formula, and reviewers' words are anybody's.
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _weights(answer: CellMarks) -> "Tensor":
    import torch

    weights = torch.zeros(answer.grid.g, answer.grid.g)
    for cell in answer.cells:
        weights[cell.r, cell.c] = cell.w
    return weights


def _entries(work: Work, bank: StageResult | None, output: str) -> list[dict[str, JsonValue]]:
    stored = work.load_json(bank, output) if bank is not None else []
    return [
        entry for entry in (stored if isinstance(stored, list) else []) if isinstance(entry, dict)
    ]
