import numpy as np
import pytest

from models.concept_graph.cards_figure import ConceptCardView, concept_cards_figure
from models.figure_style import figure_png

CROP = np.full((16, 16, 3), 90, dtype=np.uint8)


def test_a_card_gives_place_score_and_shares():
    card = ConceptCardView(
        "cat/k07", (CROP,), slot=2, tcav_score=0.9, tcav_low=0.8, tcav_high=1.0,
        significant=False, detection_rate=0.61, background_share=0.9,
    )  # fmt: skip
    texts = [text.get_text() for text in concept_cards_figure("cat", [card]).texts]
    assert texts[2:] == [
        "k07  ·  slot 2", "TCAV 0.90 [0.80, 1.00]  n.s.", "found in 61 %", "outside gate 90 %",
    ]  # fmt: skip


def test_missing_crops_and_numbers_render_the_same_bytes_each_time():
    cards = [
        ConceptCardView("k 航 $1$", (CROP, None, CROP)),
        ConceptCardView("k2", ()),
        ConceptCardView("k3", (CROP,) * 14, tcav_score=float("nan")),
    ]
    first = figure_png(concept_cards_figure("Träger 航母", cards))
    assert first == figure_png(concept_cards_figure("Träger 航母", cards))


def test_only_as_many_examples_as_asked_for_are_drawn():
    figure = concept_cards_figure("cat", [ConceptCardView("k3", (CROP,) * 14)], n_examples=6)
    assert len(figure.axes) == 6


def test_no_concept_is_refused():
    with pytest.raises(ValueError, match="at least one concept"):
        concept_cards_figure("cat", [])
