"""Stage: what people have marked so far, by the content of the images."""

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.channels.saliency_grid import CellMarks, is_abstention
from models.saliency_grid.params import SaliencyGridParams
from tasks.channels.saliency_grid.agreeing import agree
from tasks.channels.saliency_grid.bank import SETTLED_ELSEWHERE, Bank, entries_of
from tasks.channels.saliency_grid.basis import Basis, first_rows, load_fitted
from tasks.channels.saliency_grid.said import Said
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor

    from models.imageset import ImageSet


@task(name="bank-feedback", cache_policy=NO_CACHE)
@stage("bank_feedback", version=4)
def bank_feedback(
    work: Work,
    *,
    basis: Basis,
    before: StageResult | None,
    said: list[Said],
    params: SaliencyGridParams,
) -> dict[str, JsonValue]:
    """Add accepted marks to those of earlier rounds, and doubt those that nobody would give.

    A later answer on an image takes the place of an earlier one, and is doubted where the two have
    little in common (``unlike_earlier``): somebody thinks otherwise by now. Where several reviewers
    of one request answered an image, they are compared, see ``agree``.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        before: The bank so far; None for an empty one.
        said: Accepted answers, request by request.
        params: What is doubted, and how many reviewers must mark a cell.

    Returns:
        Counts of images, clicks of this run, flags, doubts and agreement; outputs as of ``Bank``.
    """
    images, digests = load_fitted(work, basis)
    row_of = first_rows(digests)
    bank = Bank.load(work, before)
    clicks, unknown = (_so_far(before, fact) for fact in ("clicks", "unknown_images"))
    for one in said:
        clicks += sum(_clicks(one, image) for image in {a.image for a in one.agreed} & set(row_of))
        for answer in one.agreed:
            row = row_of.get(answer.image)
            if row is None:
                # No longer in the dataset, or carved out: there is nothing to train on.
                unknown += 1
                continue
            take(bank, images, row, answer, one, params)
    return {**bank.save(work), "clicks": clicks, "unknown_images": unknown}


def take(
    bank: Bank,
    images: "ImageSet",
    row: int,
    answer: CellMarks,
    said: Said,
    params: SaliencyGridParams,
    review: str = "",
) -> None:
    """Put an answer into a bank: compared, doubted, and on the grid of now.

    Args:
        bank: Where it goes.
        images: Images of the fit.
        row: The answer's own among them.
        answer: The answer that goes on.
        said: The request's answers.
        params: Grid, limits and agreement.
        review: Review of an earlier run that it comes from; empty for one of this run.
    """
    from models.saliency_grid.grid import regrid_cells
    from models.saliency_grid.suspicion import suspicions

    kept, found = agree(answer, said.on(answer.image), params.agreement)
    mask = None if images.masks is None else images.masks[row]
    doubts: tuple[str, ...] = suspicions(kept, max_area=params.max_marked_area, mask=mask)
    if kept.cells:
        doubts += said.doubts.get(answer.image, ())
    if found.get("is_low") is True:
        doubts += ("low_agreement",)
    weights = _cell_weights(kept)
    if not params.grid.allow_important:
        # An earlier review may have asked for them; no penalty of now acts on their sign.
        weights = weights.clamp(min=0)
    weights = regrid_cells(weights[None], params.grid.cells)[0]
    if _is_unlike_earlier(bank, kept, weights, params):
        doubts += ("unlike_earlier",)
    bank.take(
        kept,
        name=images.names[row],
        weights=weights.tolist(),
        doubts=doubts,
        agreement=found,
        review=review,
    )


def load_marks(work: Work, bank: StageResult) -> list[JsonValue]:
    """Return the marked images of a bank."""
    return [*entries_of(work, bank, "marks")]


def _cell_weights(answer: CellMarks) -> "Tensor":
    """Return the weights of all cells of an answer's grid (G, G), float32; 0 where unmarked."""
    import torch

    weights = torch.zeros(answer.grid.g, answer.grid.g)
    for cell in answer.cells:
        weights[cell.r, cell.c] = cell.w
    return weights


def _clicks(said: Said, image: str) -> int:
    """Count the squares clicked on an image: each reviewer's own, where they are known."""
    own = said.on(image).values() or [one for one in said.agreed if one.image == image]
    return sum(len(answer.cells) for answer in own)


def _is_unlike_earlier(
    bank: Bank, answer: CellMarks, weights: "Tensor", params: SaliencyGridParams
) -> bool:
    """Tell whether marks differ from those that they replace as reviewers would who disagree."""
    import torch

    from models.saliency_grid.agreement import compare_marks

    earlier = bank.marks.get(answer.image)
    if earlier is None or is_abstention(answer) or SETTLED_ELSEWHERE & set(answer.flags):
        return False
    # Squares of another grid cover those of now in part: the same place would look unlike itself.
    cells = params.grid.cells
    if {answer.grid.g, bank.carried.get(answer.image, {}).get("grid", cells)} != {cells}:
        return False
    before = torch.tensor(earlier["weights"], dtype=weights.dtype)
    overlap = compare_marks(before.flatten(), weights.flatten()).overlap
    return overlap < params.agreement.flag_below


def _so_far(before: StageResult | None, fact: str) -> int:
    return int(before.number(fact)) if before is not None else 0
