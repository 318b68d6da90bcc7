"""All images at a glance: what is asked, how each stands, what the champion had learned."""

import re
from typing import Final

from dash import html
from dash.development.base_component import Component

from feedback.channels.saliency_grid.evidence import ImageEvidence
from review.panels.saliency_grid.carried_view import carried_section
from review.panels.saliency_grid.draft import Cell
from review.panels.saliency_grid.parts import (
    SquaresShown,
    explainer_name,
    is_mistake,
    outlined,
    seen,
)
from review.parts import button, fact, plural
from review.pieces import Content, Glimpse, Overview
from review.rail_view import mark_of

_STRATEGIES: Final = {
    "entropy": "the least certain first",
    "entropy_of_wrong": "mistakes first, the least certain ahead",
    "wrong_first": "mistakes first, the most confident ahead",
    "random": "at random",
}
_CELL = re.compile(r"row (\d{1,2}) column (\d{1,2})")


def glimpse(shown: SquaresShown) -> Glimpse:
    """Tell the inbox how many images a request asks about, and when in the training."""
    evidence = shown.evidence
    n_wrong = sum(is_mistake(image) for image in evidence.images)
    when = f"after {plural(evidence.epoch, 'epoch')}"
    return Glimpse(
        f"{plural(len(evidence.images), 'image')} {when}",
        f"Where the network looks, by {explainer_name(evidence)}; "
        f"{plural(n_wrong, 'mistake')} among them.",
        when,
    )


def notes(shown: SquaresShown) -> dict[str, str]:
    """Tell of each image whether its explanation failed, or else whether it is a mistake."""
    return {
        image.image: "failed" if image.failure else "wrong" if is_mistake(image) else "right"
        for image in shown.evidence.images
        if image.failure or image.true_class is not None
    }


def overview(shown: SquaresShown) -> Overview:
    """Show all images together, those whose answer is worth most first."""
    evidence = shown.evidence
    grid, n_images = evidence.grid, len(evidence.images)
    images = {image.image: image for image in evidence.images}
    n_failed = sum(image.failure is not None for image in evidence.images)
    chosen = _STRATEGIES.get(evidence.strategy, evidence.strategy.replace("_", " "))
    facts = [
        fact("Images", str(n_images), note=_chosen_from(evidence.n_candidates)),
        fact("Trained for", plural(evidence.epoch, "epoch"), note=evidence.model_version),
        fact("Explained by", explainer_name(evidence), note=_explained(shown, n_failed)),
        fact("Grid", f"{grid.g} × {grid.g}", note=f"on {grid.w} × {grid.h} pixels"),
    ]
    asked = "Which of the outlined squares should not matter for the answer? "
    if evidence.allow_important:
        asked += "And which should? "
    lead = html.P([asked, html.Span(f"Chosen: {chosen}.", className="quiet")])
    remark = [html.P(evidence.remark, className="quiet")] if evidence.remark else []
    return Overview(
        facts=facts,
        sections=[
            html.Section(
                [
                    html.H3("Where the network looks"),
                    lead,
                    *remark,
                    html.Div(
                        [_thumbnail(shown, images[digest]) for digest in shown.titles],
                        className="thumbnails",
                    ),
                ]
            ),
            *carried_section(evidence),
        ],
    )


def value_told(shown: SquaresShown, target: str, value: str) -> Content:
    """Show one side of a difference: the cells that are told of, on the image where it is shown.

    Args:
        shown: The request.
        target: Name of an image, or of all.
        value: Cells or settings, in words.

    Returns:
        The words, beside a small picture where they name cells of the request's own grid.
    """
    cells = [(int(r) - 1, int(c) - 1) for r, c in _CELL.findall(value)]
    image = next((image for image in shown.evidence.images if image.name == target), None)
    if image is None or not cells or _is_other_grid(shown, cells):
        return value
    small = [*seen(shown, image, size="small"), *outlined(cells, shown.evidence.grid)]
    return [html.Span(small, className="mini"), value]


def _is_other_grid(shown: SquaresShown, cells: list[Cell]) -> bool:
    """Tell whether the champion's cells were those of another grid than the request's."""
    since, grid = shown.bundle.since, shown.evidence.grid
    changed = since is not None and any(row.part == "grid" for row in since.differences)
    return changed or any(max(cell) >= grid.g for cell in cells)


def _thumbnail(shown: SquaresShown, image: ImageEvidence) -> Component:
    cells = [(cell.r, cell.c) for cell in image.shown]
    label = image.true_class or "no label"
    is_wrong = is_mistake(image)
    told = f"taken for {image.predicted_class}" if is_wrong else "the network agrees"
    return button(
        [
            html.Span(
                [*seen(shown, image), *outlined(cells, shown.evidence.grid)],
                className="thumbnail-picture",
                style={"aspectRatio": f"{shown.evidence.grid.w / shown.evidence.grid.h:.4f}"},
            ),
            html.Span(label, className="thumbnail-label"),
            html.Span(told, className=f"thumbnail-told {'against' if is_wrong else 'quiet'}"),
        ],
        {"kind": "look", "item": image.image},
        name=f"{image.name}: {label}, {told}",
        mark=mark_of(image.image),
        className="thumbnail onward",
    )


def _chosen_from(n_candidates: int) -> str:
    return f"of {n_candidates:,} candidates" if n_candidates else ""


def _explained(shown: SquaresShown, n_failed: int) -> str:
    explainer = shown.evidence.explainer
    told = [f"for the {explainer.target} class"]
    if explainer.name in ("deeplift", "integrated_gradients"):
        told.append("against black" if explainer.baseline == "zero" else "against a blurred copy")
    if n_failed:
        told.append(f"failed on {n_failed}")
    return ", ".join(told)
