"""One image on the page: its places, what fills them, which of its squares are marked."""

from collections.abc import Sequence

from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from feedback.previews import Preview
from review.desk import Desk
from review.opened import VIEW
from review.panels.saliency_grid.draft import ImageDraft
from review.panels.saliency_grid.editing import image_shown
from review.panels.saliency_grid.image_view import (
    answers_section,
    explanation_section,
    image_head,
)
from review.panels.saliency_grid.parts import SquaresShown
from review.panels.saliency_grid.stage_view import VEIL, asked, cell_marks, stage, stage_tools
from review.panels.saliency_grid.verdict_view import (
    doubts_section,
    remark_section,
    verdict_section,
)
from review.parts import live_place, place
from review.pieces import Keyed, Marks, Places
from review.viewing import View


def layout() -> Sequence[Component]:
    """Make the places of an image, empty."""
    return [
        place("head"),
        html.Div(
            [
                html.Div([place("stage"), live_place("stage-tools")], className="looked-at"),
                html.Div(
                    [
                        place("asked"),
                        place("answers"),
                        place("explanation"),
                        place("verdict"),
                        place("doubts"),
                        place("remark"),
                    ],
                    className="beside",
                ),
            ],
            className="image-row",
        ),
        dcc.Store(id="veiled"),
        dcc.Store(id="timed"),
    ]


def parts_of(shown: SquaresShown, said: ImageDraft, view: View) -> Places:
    """Show an image.

    Args:
        shown: The request.
        said: What the reviewer said about it.
        view: Which one they look at.

    Returns:
        Content by place.
    """
    image = image_shown(shown.evidence, view.item or "")
    return {
        "head": image_head(shown, image),
        # Marks are shown in place, so that a click draws nothing anew.
        "stage": Keyed(lambda: stage(shown, image), image.image),
        # The slider stays where it was pushed to.
        "stage-tools": Keyed(stage_tools, "stage-tools"),
        "asked": asked(shown),
        "answers": answers_section(shown, image),
        "explanation": explanation_section(shown, image),
        "verdict": verdict_section(image, said),
        "doubts": doubts_section(shown, image, said),
        "remark": remark_section(image, said),
    }


def marks_of(shown: SquaresShown, said: ImageDraft, view: View) -> Marks:
    """Tell which squares are marked, and how."""
    return cell_marks(image_shown(shown.evidence, view.item or ""), said)


def tools(view: View, n_edits: int) -> Sequence[Component]:
    """Return no buttons: the image's own stand beside it."""
    return ()


def effect_told(found: Preview) -> Sequence[Component]:
    """Return nothing: no preview is ever asked for."""
    return ()


def register(app: Dash, desk: Desk) -> None:
    """Set how strong the overlay is, and measure how long images are looked at, in the browser."""
    app.clientside_callback(
        ClientsideFunction("parley", "veil"), Output("veiled", "data"), Input(VEIL, "value")
    )
    app.clientside_callback(
        ClientsideFunction("parley", "turned"), Output("timed", "data"), Input(VIEW, "data")
    )
