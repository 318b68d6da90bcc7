"""Stages: the networks compared on the test images, and where they look on the marked ones."""

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from models.params import PromotionParams
from models.saliency_grid.params import ExplainerParams
from tasks.arms import Arms
from tasks.channels.saliency_grid.banking import load_marks
from tasks.channels.saliency_grid.basis import Basis, first_rows, load_fitted
from tasks.comparing import compare
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor

    from models.imageset import ImageSet
    from models.saliency_grid.attributing import AttributionMaps
    from models.saliency_grid.looking_figure import MarkedView

TITLES = (
    ("original", "original"),
    ("random_squares", "trained, random squares"),
    ("marked_squares", "trained, marked squares"),
)
"""The arms by what people call them."""
MOST_DRAWN = 6
"""Classes of a confusion figure, and marked images of the figure of both networks."""


@task(name="compare-marked", cache_policy=NO_CACHE)
@stage("compare_marked", version=1)
def compare_marked(
    work: Work,
    *,
    basis: Basis,
    bank: StageResult,
    trained: dict[str, list[StageResult]],
    params: PromotionParams,
    seed: int,
) -> dict[str, JsonValue]:
    """Compare networks that learned with and without marks on the test images, image by image.

    The classes of the marked images are the corrected ones.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        bank: All marks.
        trained: One network per seed, by arm.
        params: Promotion rule and intervals.
        seed: Seed of the bootstrap.

    Returns:
        What ``tasks.comparing`` found, and the verdict; one output per figure.
    """
    from models.saliency_grid.promotion import decide_promotion

    images, digests = load_fitted(work, basis)
    row_of = first_rows(digests)
    marked = [
        int(images.labels[row_of[str(mark["image"])]])
        for mark in load_marks(work, bank)
        if isinstance(mark, dict)
    ]
    class_ids = tuple(sorted(set(marked))) or tuple(range(len(basis.dataset.classes)))
    often = sorted(class_ids, key=lambda c: (-marked.count(c), c))[:MOST_DRAWN]
    found = compare(
        work,
        dataset=basis.dataset,
        training=basis.training,
        arms=Arms(titles=TITLES, class_ids=class_ids, drawn=tuple(sorted(often))),
        logits={
            arm: [work.load_tensors(one, "test_logits")["logits"] for one in results]
            for arm, results in trained.items()
        },
        params=params,
        seed=seed,
    )
    verdict = decide_promotion(
        found.losses["marked_squares", "original"],
        found.losses["marked_squares", "random_squares"],
        found.differences["marked_squares", "original", "all"],
        params,
    )
    return {
        **found.facts,
        "classes": [basis.dataset.classes[class_id] for class_id in class_ids],
        "promote": verdict.promote,
        "reasons": list(verdict.reasons),
    }


@task(name="look-again", cache_policy=NO_CACHE)
@stage("look_again", version=3)
def look_again(
    work: Work,
    *,
    basis: Basis,
    bank: StageResult,
    original: StageResult,
    corrected: StageResult,
    explainer: ExplainerParams,
) -> dict[str, JsonValue]:
    """Measure where both networks look on the marked images, and draw some.

    What speaks for the true class is looked at, whichever class reviewers were shown: a correction
    may change what an image is taken for.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        bank: All marks.
        original: The network that learned without marks.
        corrected: The network that learned with them.
        explainer: How attribution is computed.

    Returns:
        Means by network: over the images with squares that should not matter ``marked_share`` of
        the attribution in them and the ``wrong_reason`` score, over those with a mask
        ``outside_share``, the attribution outside the object; output ``looking`` when there is a
        marked image.
    """
    import torch

    from models.figure_style import figure_png
    from models.imageset import object_weight
    from models.saliency_grid.attributing import attribute_images
    from models.saliency_grid.grid import paint_cells
    from models.saliency_grid.looking_figure import looking_figure
    from models.saliency_grid.relevance import marked_share, wrong_reason
    from tasks.classifier import load_classifier

    images, weights = _marked(work, basis, bank)
    if images is None or weights is None:
        return {"marked_images": 0}
    height, width = images.images.shape[2:]
    marked = paint_cells(weights, (height, width)) > 0
    measured: dict[str, JsonValue] = {"marked_images": len(images)}
    maps: dict[str, Tensor] = {}
    networks = {
        name: load_classifier(work.artifacts, result).to(work.device())
        for name, result in (("original", original), ("marked_squares", corrected))
    }

    def look(how: ExplainerParams) -> "dict[str, AttributionMaps]":
        return {
            name: attribute_images(network, images.images, images.labels, how)
            for name, network in networks.items()
        }

    found = look(explainer)
    if len({one.explainer for one in found.values()}) > 1:
        # Two methods cannot be compared; DeepLIFT's sum may be missed by one network alone.
        found = look(explainer.model_copy(update={"name": "integrated_gradients"}))
    for done, (name, one) in enumerate(found.items()):
        maps[name] = one.maps
        # What speaks against the class is no wrong reason; plain gradients have magnitudes only.
        for_class = one.maps if one.contributions is None else one.contributions
        shares: dict[str, Tensor] = {
            "marked_share": _in_marks(one.maps, marked),
            "wrong_reason": wrong_reason(for_class, marked),
        }
        if images.masks is not None:
            known = (images.masks != 0).flatten(1).any(dim=1)
            # Pixels on the border of a mask are half of either.
            outside = marked_share(one.maps, 1 - object_weight(images.masks))
            shares["outside_share"] = torch.where(known, outside, torch.nan)
        for share, values in shares.items():
            mean = float(values.nanmean())
            if mean == mean:  # no image with a mask, or no attribution at all
                measured[f"{name}.{share}"] = round(mean, 6)
        work.progress(done + 1, 3, name.replace("_", " "))
    figure = looking_figure(
        _views(images, weights, marked, maps),
        title="Where the network looks on marked images",
        note="outlined in orange: squares that reviewers said should not matter"
        + ("; in blue: that should" if bool((weights < 0).any()) else ""),
    )
    work.save_png("looking", figure_png(figure))
    work.progress(3, 3, "figure")
    return measured


def _marked(work: Work, basis: Basis, bank: StageResult) -> "tuple[ImageSet | None, Tensor | None]":
    import torch

    images, digests = load_fitted(work, basis)
    row_of = first_rows(digests)
    rows, weights = [], []
    for mark in load_marks(work, bank):
        if isinstance(mark, dict) and mark["image"] in row_of:
            rows.append(row_of[str(mark["image"])])
            weights.append(torch.tensor(mark["weights"], dtype=torch.float32))
    if not rows:
        return None, None
    return images.select(torch.tensor(rows)), torch.stack(weights)


def _in_marks(maps: "Tensor", marked: "Tensor") -> "Tensor":
    """Return the share of attribution in marked cells (B,); NaN where none was marked."""
    import torch

    from models.saliency_grid.relevance import marked_share

    # Of an image with important squares alone a zero would make the mean of the others smaller.
    return marked_share(maps, marked).where(marked.flatten(1).any(dim=1), torch.nan)


def _views(
    images: "ImageSet", weights: "Tensor", marked: "Tensor", maps: "dict[str, Tensor]"
) -> "list[MarkedView]":
    """Return the images on which most of the original's attribution was marked."""
    from models.saliency_grid.looking_figure import MarkedView

    shares = {name: _in_marks(values, marked) for name, values in maps.items()}
    order = (
        shares["original"].nan_to_num().argsort(descending=True, stable=True)[:MOST_DRAWN].tolist()
    )
    names = {"original": "original", "marked_squares": "corrected"}
    return [
        MarkedView(
            name=images.names[row],
            pixels=images.images[row].permute(1, 2, 0).numpy(),
            weights=weights[row].numpy(),
            maps=tuple((names[name], values[row].numpy()) for name, values in maps.items()),
            shares=tuple(float(values[row]) for values in shares.values()),
        )
        for row in order
    ]
