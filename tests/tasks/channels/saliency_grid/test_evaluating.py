"""Where the networks look on marked images, measured."""

import pytest
import torch

from models.saliency_grid.attributing import attribute_images
from models.saliency_grid.grid import paint_cells
from models.saliency_grid.relevance import wrong_reason
from tasks.channels.saliency_grid.evaluating import look_again
from tasks.classifier import load_classifier

ROWS = (0, 3, 5)
CELL = ((0, 0), (1, 2), (3, 3))


def look(begun, trained, marks, explainer):
    """Look at marked images with one network in the place of both."""
    stored = begun.workplace.artifacts.save_json([*marks])
    return look_again.fn(
        begun.workplace,
        basis=begun.basis,
        bank=trained.model_copy(update={"outputs": {"marks": stored}}),
        original=trained,
        corrected=trained,
        explainer=explainer,
    )


@pytest.mark.parametrize("name", ["deeplift", "input_gradients"])
def test_what_speaks_against_the_class_is_no_wrong_reason(begun, name):
    trained = begun.train(1)
    marks = [begun.mark(row, *CELL) for row in ROWS]
    explainer = begun.channel.explainer.model_copy(update={"name": name})
    looked = look(begun, trained, marks, explainer)
    images = begun.images.select(torch.tensor(ROWS))
    model = load_classifier(begun.workplace.artifacts, trained)
    found = attribute_images(model, images.images, images.labels, explainer)
    weights = torch.tensor([mark["weights"] for mark in marks])
    marked = paint_cells(weights, tuple(images.images.shape[2:])) > 0
    whatever_the_sign = float(wrong_reason(found.maps, marked).nanmean())
    if found.contributions is None:  # magnitudes are all there is
        expected = whatever_the_sign
    else:
        expected = float(wrong_reason(found.contributions, marked).nanmean())
        assert abs(expected - whatever_the_sign) > 1e-3
    assert looked.facts["original.wrong_reason"] == pytest.approx(expected, abs=1e-5)


def test_an_image_with_important_squares_alone_does_not_count_as_looked_at_rightly(begun):
    trained = begun.train(1)

    def shares(*marks):
        looked = look(begun, trained, marks, begun.channel.explainer)
        assert looked.facts["marked_images"] == len(marks)
        return looked.facts

    irrelevant = begun.mark(ROWS[0], *CELL)
    important = begun.mark(ROWS[1], *CELL, weight=-1.0)
    alone, both = shares(irrelevant), shares(irrelevant, important)
    assert both["original.marked_share"] == pytest.approx(alone["original.marked_share"], abs=1e-5)
    # Outside the object both count: a picture may have no outside, and then nothing lies there.
    assert both["original.outside_share"] != alone["original.outside_share"]
