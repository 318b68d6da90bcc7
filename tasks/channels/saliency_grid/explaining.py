"""Stage: the images that the network is unsure of, and where it looks on them."""

import math
from typing import TYPE_CHECKING, Literal

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.canonical import sha256_hex
from feedback.channels.saliency_grid import (
    ExplainerUsed,
    Grid,
    ImageEvidence,
    SaliencyEvidence,
    ShownCell,
    padded_cells,
)
from models.saliency_grid.params import SaliencyGridParams
from tasks.channels.saliency_grid.basis import Basis, first_rows, load_fitted
from tasks.dataset.decoding import picture_edges
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from models.imageset import ImageSet
    from models.saliency_grid.attributing import AttributionMaps


@task(name="explain-images", cache_policy=NO_CACHE)
@stage("explain_images", version=3)
def explain_images(
    work: Work,
    *,
    basis: Basis,
    trained: StageResult,
    asked: list[str],
    params: SaliencyGridParams,
    seed: int,
    origin: str | None = None,
    carried: StageResult | None = None,
) -> dict[str, JsonValue]:
    """Choose images that the network is unsure of, and show the squares that it looks at.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        trained: The network, in the middle of its training.
        asked: Digests of images that this run asked about before; they are asked about again only
            when no others are left.
        params: Sampling, explainer and grid.
        seed: Seed of a random sample.
        origin: What the run started from.
        carried: What earlier reviews said, which is told; their images are asked about only when
            no others are left, unless the parameters say otherwise.

    Returns:
        Number of images, the explainer used and failures; outputs ``evidence``, ``priorities``,
        and one per picture, named by ``files``.
    """
    from models.prediction import predict_logits
    from models.saliency_grid.attributing import attribute_images, explained_classes
    from models.saliency_grid.sampling import sample_images, sampling_priorities
    from tasks.classifier import PREDICT_BATCH, load_classifier

    images, digests = load_fitted(work, basis)
    model = load_classifier(work.artifacts, trained).to(work.device())
    logits = predict_logits(model, images.images, PREDICT_BATCH, precision=basis.training.precision)
    sampling = params.sampling
    epoch = int(trained.number("epoch"))
    priorities = sampling_priorities(logits, images.labels, sampling.strategy, seed=seed + epoch)
    told = work.load_json(carried, "reviews") if carried is not None else []
    earlier = work.load_json(carried, "asked") if carried is not None else []
    if params.carry_over.ask_again or not isinstance(earlier, list):
        earlier = []
    # Of files of equal content the first is asked about; the others are the same question.
    first = first_rows(digests)
    copies = {row for row, digest in enumerate(digests) if first[digest] < row}
    exclude = copies | _rows_to_leave_out(digests, asked, map(str, earlier))
    sample = sample_images(priorities, sampling.n_images, exclude=exclude)
    n_candidates = len(images) - len(copies)
    work.progress(1, 3, f"{len(sample.index)} of {n_candidates} images")
    chosen, own = images.select(sample.index), logits[sample.index]
    target = explained_classes(own, chosen.labels, params.explainer.target)
    found = attribute_images(model, chosen.images, target, params.explainer)
    work.progress(2, 3, found.explainer.replace("_", " "))
    shown = [digests[position] for position in sample.index.tolist()]
    evidence = _evidence(basis, trained, chosen, shown, own, found, params, n_candidates)
    # The beginning is told in every round, so that no request says less than another.
    evidence = SaliencyEvidence.model_validate(
        {**evidence.model_dump(mode="json"), "origin": origin, "carried": told}, strict=False
    )
    for position, digest in enumerate(shown):
        _draw(work, digest, chosen.images[position], found.maps[position])
    work.save_json("evidence", evidence.model_dump(mode="json"))
    work.save_json("priorities", dict(zip(shown, sample.priority.tolist(), strict=True)))
    work.save_json("files", [name for one in evidence.images for name in (one.file, one.overlay)])
    work.progress(3, 3, "pictures")
    return {
        "images": len(shown),
        "epoch": epoch,
        "explainer": found.explainer,
        "failures": sum(one.failure is not None for one in evidence.images),
        "origin": origin,
    }


def _rows_to_leave_out(
    digests: "Sequence[str]", asked: "Iterable[str]", earlier: "Iterable[str]"
) -> set[int]:
    """Return the images that were asked about, in this run or an earlier one; never all of them.

    When all were, the network is another one by now, and so are its squares: first those of earlier
    runs come again, then those of this one.
    """
    own = set(asked)
    for known in (own.union(earlier), own):
        rows = {row for row, digest in enumerate(digests) if digest in known}
        if len(rows) < len(digests):
            return rows
    return set()


def _evidence(
    basis: Basis,
    trained: StageResult,
    chosen: "ImageSet",
    digests: "Sequence[str]",
    logits: "Tensor",
    found: "AttributionMaps",
    params: SaliencyGridParams,
    n_candidates: int,
) -> SaliencyEvidence:
    import torch

    from models.saliency_grid.grid import cell_scores, top_cells
    from models.saliency_grid.sampling import predictive_entropy

    cells = params.grid.cells
    adds_up = found.contributions if params.grid.score == "contribution" else None
    scores = cell_scores(found.maps, adds_up, cells)
    height, width = chosen.images.shape[2:]
    contents = _contents(basis, chosen, height)
    padded = [padded_cells(content, cells, height, width) for content in contents]
    ranked = top_cells(scores, cells**2).tolist()
    best = [
        [(r, c) for r, c in order if (r, c) not in left_out][: params.grid.n_shown]
        for order, left_out in zip(ranked, padded, strict=True)
    ]
    probs, entropy = logits.softmax(dim=1), predictive_entropy(logits)
    is_answer = torch.isfinite(logits).all(dim=1)
    # A network without an answer is as undecided as it can be.
    entropy = torch.where(is_answer, entropy, math.log(max(2, logits.shape[1])))
    names = basis.dataset.classes
    shown = tuple(
        ImageEvidence(
            image=digest,
            name=chosen.names[i],
            file=_file(digest, "image"),
            overlay=_file(digest, "overlay"),
            true_class=names[int(chosen.labels[i])],
            predicted_class=names[int(probs[i].argmax())],
            explained_class=names[int(found.classes[i])],
            # The last digits differ among machines, and would make another request of it.
            probabilities=tuple(round(p, 4) for p in probs[i].tolist()) if is_answer[i] else (),
            entropy=round(float(entropy[i]), 4),
            shown=tuple(
                ShownCell(r=r, c=c, score=_rounded(float(scores[i, r, c]))) for r, c in best[i]
            ),
            completeness_error=_error(found, i),
            failure=_failure(found, i) if is_answer[i] else "not_finite",
            content=contents[i],
        )
        for i, digest in enumerate(digests)
    )
    return SaliencyEvidence(
        model_version=trained.outputs["model"].sha256[:12],
        epoch=int(trained.number("epoch")),
        explainer=ExplainerUsed(
            name=found.explainer,
            baseline=params.explainer.baseline,
            target=params.explainer.target,
        ),
        remark=found.remark,
        grid=Grid(g=cells, h=height, w=width),
        resize=basis.training.resize,
        allow_important=params.grid.allow_important,
        max_marked_area=params.max_marked_area,
        strategy=params.sampling.strategy,
        n_candidates=n_candidates,
        images=shown,
    )


def _contents(
    basis: Basis, chosen: "ImageSet", size: int
) -> "list[tuple[int, int, int, int] | None]":
    """Return where each picture lies within its padding; None for one that is not padded."""
    from tasks.dataset.inspection import limit_is_ours
    from tasks.dataset.layout import normalised, read_index

    if basis.training.resize != "pad":
        return [None] * len(chosen)
    index = read_index(basis.dataset.path)
    path_of = {normalised(entry.path): index.root / entry.path for entry in index.entries}
    with limit_is_ours():
        return [picture_edges(path_of[name], size, "pad") for name in chosen.names]


def _failure(
    found: "AttributionMaps", row: int
) -> Literal["all_zero", "not_finite", "incomplete"] | None:
    if not bool(found.is_finite[row]):
        return "not_finite"
    if bool(found.is_zero[row]):
        return "all_zero"
    if found.is_complete is not None and not bool(found.is_complete[row]):
        return "incomplete"
    return None


def _error(found: "AttributionMaps", row: int) -> float | None:
    """Return how far attributions are from adding up; None where that is no number."""
    if found.completeness_error is None:
        return None
    error = float(found.completeness_error[row])
    return _rounded(error) if math.isfinite(error) else None


def _draw(work: Work, digest: str, pixels: "Tensor", attribution: "Tensor") -> None:
    from models.saliency_grid.picture import image_png, overlay_png

    work.save_png(_file(digest, "image"), image_png(pixels))
    work.save_png(_file(digest, "overlay"), overlay_png(attribution))


def _file(digest: str, kind: str) -> str:
    # Two names of one image may differ in letters that file systems take for equal.
    return f"{kind}s/{sha256_hex(digest.encode())[:16]}.png"


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
