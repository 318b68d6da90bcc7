"""The look that all of Parley's figures share: page size, colours, type and PNG bytes.

Figures are built with matplotlib's object API on an Agg canvas, never pyplot, so that drawing one
changes no global state and works in any thread. Widths suit a page of 1280 pixels; colours are
Okabe and Ito's, which stay apart for colour-blind readers.
"""

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

DPI = 100
PAGE_WIDTH = 12.8
"""Inches; 1280 pixels at ``DPI``."""
SINGLE_WIDTH = 7.4
"""Inches of a figure with one panel of many."""

SUPPORTS, OPPOSES, ADDED, REMOVED = "#0072B2", "#D55E00", "#009E73", "#9AA0A6"
INK, MUTED, FAINT, GRID, PAPER = "#1F2933", "#5F6B76", "#B8C0C8", "#E4E8EC", "#FFFFFF"
ARM_COLOURS = ("#5F6B76", "#56B4E9", "#0072B2", "#E69F00", "#CC79A7", "#009E73")
OUTLINES = ("#F0E442", "#56B4E9", "#E69F00", "#CC79A7", "#009E73", "#0072B2", "#D55E00", "#FFFFFF")

TITLE, HEADING, BODY, SMALL = 15.0, 12.0, 10.0, 9.0
"""Type sizes in points."""

_FALLBACK_FAMILIES = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans", "WenQuanYi Zen Hei")


def new_figure(height: float, *, width: float = PAGE_WIDTH) -> Figure:
    """Make an empty figure on its own Agg canvas.

    Args:
        height: Inches.
        width: Inches.

    Returns:
        A figure that pyplot does not know of.
    """
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def figure_png(figure: Figure) -> bytes:
    """Render a figure to PNG bytes that depend on nothing but the figure.

    Args:
        figure: Any figure; drawn at ``DPI``.

    Returns:
        A PNG file without the software and date fields that matplotlib would write.
    """
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="png", dpi=DPI, facecolor=figure.get_facecolor(), metadata={"Software": None}
    )
    return buffer.getvalue()


def stack_pngs(pictures: Mapping[str, bytes]) -> bytes:
    """Put pictures under each other, left-aligned, each beneath a band with its caption.

    Args:
        pictures: PNG files by caption, in order.

    Returns:
        One PNG file as wide as the widest; equal pictures give equal bytes.
    """
    width = max(_opened(data).width for data in pictures.values())
    parts: list[Image.Image] = []
    for caption, data in pictures.items():
        band = new_figure(0.36, width=width / DPI)
        band.set_facecolor(INK)
        band.text(
            0.3 * DPI / width, 0.47, printable(caption), va="center", weight="bold",
            **text_style(HEADING, PAPER),
        )  # fmt: skip
        parts += [_opened(figure_png(band)), _opened(data)]
    page = Image.new("RGB", (width, sum(part.height for part in parts)), PAPER)
    top = 0
    for part in parts:
        page.paste(part, (0, top))
        top += part.height
    buffer = io.BytesIO()
    page.save(buffer, format="PNG")
    return buffer.getvalue()


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def add_heading(figure: Figure, title: str, note: str = "") -> None:
    """Write a title and a quieter line under it at the top left of the page.

    Args:
        figure: The figure; the text takes its top 0.75 inches.
        title: One line.
        note: One line in small, muted type.
    """
    height = figure.get_size_inches()[1]
    left = 0.3 / figure.get_size_inches()[0]
    figure.text(
        left, 1 - 0.18 / height, printable(title), va="top", weight="bold", **text_style(TITLE)
    )
    if note:
        figure.text(left, 1 - 0.5 / height, printable(note), va="top", **text_style(BODY, MUTED))


def quiet_axes(axes: Axes, *, grid: str | None = None) -> None:
    """Remove the box and ticks of an axes and set its type.

    Args:
        axes: The axes to change.
        grid: ``x`` or ``y`` draws faint lines behind the data along that axis.
    """
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=INK, labelfontfamily=list(families()))
    if grid is not None:
        axes.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type, unused-ignore]
        axes.set_axisbelow(True)


def text_style(size: float = BODY, colour: str = INK) -> dict[str, Any]:
    """Return the keyword arguments that make a text look like all others.

    Args:
        size: Points.
        colour: Any matplotlib colour.
    """
    return {"fontsize": size, "color": colour, "fontfamily": list(families())}


def printable(text: str, limit: int | None = None) -> str:
    r"""Return ``text`` so that it can be drawn whatever it holds.

    Dollar signs lose their meaning as formulas, and a character that no installed face has is
    written as its code (``\u822a``), so that two names never look alike.

    Args:
        text: Class names, concept ids, sentences.
        limit: Longest result in characters; the middle is cut, as both ends tell names apart.
    """
    shown = "".join(c if c == "\n" or ord(c) in _glyphs() else _escape(c) for c in text)
    if limit is not None and len(shown) > limit:
        head = (limit - 1) // 2
        shown = f"{shown[:head]}…{shown[len(shown) - (limit - 1 - head) :]}"
    return shown.replace("$", r"\$")


def percent(share: float | None) -> str:
    """Write a share in [0, 1] as whole percent, or a dash when it is not known."""
    return "–" if share is None or share != share else f"{100 * share:.0f} %"


@lru_cache(maxsize=1)
def families() -> Sequence[str]:
    """Return DejaVu Sans, which comes with matplotlib, and installed faces for what it lacks."""
    installed = set(font_manager.get_font_names())
    return ("DejaVu Sans", *(family for family in _FALLBACK_FAMILIES if family in installed))


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    known: set[int] = set()
    for family in families():
        known.update(font_manager.get_font(font_manager.findfont(family)).get_charmap())
    return frozenset(known)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
