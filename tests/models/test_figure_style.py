import io
import threading

import matplotlib
import pytest
from PIL import Image

from models.figure_style import (
    add_heading,
    figure_png,
    new_figure,
    percent,
    printable,
    stack_pngs,
)


def test_equal_figures_give_equal_bytes_without_a_trace_of_the_software():
    def draw():
        figure = new_figure(2.0)
        add_heading(figure, "Überschrift $x$ 航母", "note")
        return figure_png(figure)

    first = draw()
    assert first == draw()
    image = Image.open(io.BytesIO(first))
    assert image.size == (1280, 200)
    assert "Software" not in image.info


def test_drawing_changes_no_global_setting_and_works_in_a_thread():
    before = dict(matplotlib.rcParams)
    results = []
    thread = threading.Thread(target=lambda: results.append(figure_png(new_figure(1.0))))
    thread.start()
    thread.join()
    assert results[0].startswith(b"\x89PNG")
    assert dict(matplotlib.rcParams) == before


def test_dollar_signs_are_not_formulas_and_unknown_characters_become_codes():
    assert printable("a$b$") == r"a\$b\$"
    assert printable("Größe → ß") == "Größe → ß"
    assert printable("\U000f1234") == "\\U000f1234"


def test_a_long_text_keeps_both_ends():
    assert printable("carrier_type_001_refit", 11) == "carri…refit"
    assert printable("short", 11) == "short"


@pytest.mark.parametrize(
    ("share", "text"), [(0.874, "87 %"), (None, "–"), (float("nan"), "–"), (0.0, "0 %")]
)
def test_an_unknown_share_is_a_dash(share, text):
    assert percent(share) == text


def test_stacked_pictures_lie_whole_under_each_other_in_order():
    def plain(size, colour):
        buffer = io.BytesIO()
        Image.new("RGB", size, colour).save(buffer, format="PNG")
        return buffer.getvalue()

    pictures = {"before $x$": plain((300, 40), "red"), "after": plain((200, 50), "blue")}
    stacked = Image.open(io.BytesIO(stack_pngs(pictures)))
    band = 36
    assert stacked.size == (300, 40 + 50 + 2 * band)
    assert stacked.getpixel((299, band + 39)) == (255, 0, 0)
    assert stacked.getpixel((199, 2 * band + 89)) == (0, 0, 255)
    assert stacked.getpixel((200, 2 * band + 89)) == (255, 255, 255)
    assert stack_pngs(pictures) == stack_pngs(pictures)
