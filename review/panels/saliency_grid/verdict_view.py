"""What can be said of an image beside its squares: the failures that the method is known for."""

from typing import Final

from dash import html
from dash.development.base_component import Component

from feedback.channels.saliency_grid import Flag
from feedback.channels.saliency_grid.evidence import ImageEvidence
from review.panels.saliency_grid.draft import ImageDraft
from review.panels.saliency_grid.parts import SquaresShown
from review.panels.saliency_grid.responses import FLAGS, check, response_of
from review.parts import button, field

_KEYS: Final[dict[Flag, str]] = {
    "unclear": "e",
    "label_suspect": "l",
    "artefact": "a",
    "unusable": "i",
    "skip": "k",
}
# From the list of what goes wrong in the paper's questions to people.
HINTS: Final[dict[Flag, str]] = {
    "unclear": "the squares sum it up badly, or tell nothing",
    "label_suspect": "goes to the queue of labels; marks wait until that is settled",
    "artefact": "hair, a marker, a ruler: something that does not belong there",
    "unusable": "ambiguous, or too dark to see what matters; takes its marks back",
    "skip": "no answer; takes its marks back",
}
"""What each flag is for."""

ARTEFACTS: Final = ("hair", "marker", "ruler", "text", "frame", "hand")
"""What artefacts often are."""


def verdict_section(image: ImageEvidence, said: ImageDraft) -> Component:
    """Show the buttons for what squares cannot say."""
    confirm = {"kind": "confirm", "item": image.image}
    return html.Section(
        [
            html.Div(
                [
                    button(
                        ["Looks where it should", html.Kbd("y")],
                        confirm,
                        pressed=said.confirmed,
                        key="y",
                        className="soft",
                        disabled=bool(said.n_marked or said.flags),
                    ),
                    _flag(image, said, "skip"),
                    button(
                        "Take all back",
                        {"kind": "reset", "item": image.image},
                        className="plain",
                        disabled=said == ImageDraft(),
                    ),
                ],
                className="verdict-row",
            ),
            html.H3("Is something else the matter?", id="flags-title"),
            html.Div(
                [_flag(image, said, flag) for flag in FLAGS if flag != "skip"],
                className="flags",
                role="group",
                **{"aria-labelledby": "flags-title"},
            ),
            *([_artefact(image, said)] if "artefact" in said.flags else []),
        ]
    )


def doubts_section(shown: SquaresShown, image: ImageEvidence, said: ImageDraft) -> Component:
    """Show what the gate would warn of in what was said about this image."""
    response = response_of(image.image, said, shown.evidence)
    doubts = check([response], shown.evidence) if said.speaks else ()
    return html.Ul([html.Li(doubt) for doubt in doubts], className="warnings", role="status")


def remark_section(image: ImageEvidence, said: ImageDraft) -> Component:
    """Show the field for a remark."""
    action = {"kind": "remark", "item": image.image}
    return html.Section(field("Remark on this image", said.comment, action, limit=500))


def _flag(image: ImageEvidence, said: ImageDraft, flag: Flag) -> Component:
    return button(
        [FLAGS[flag], html.Kbd(_KEYS[flag])],
        {"kind": "flag", "item": image.image, "flag": flag},
        pressed=flag in said.flags,
        key=_KEYS[flag],
        className="soft",
        title=HINTS[flag],
    )


def _artefact(image: ImageEvidence, said: ImageDraft) -> Component:
    action = {"kind": "artefact", "item": image.image}
    return html.Div(
        [
            html.Div(
                [
                    button(
                        name,
                        {**action, "text": "" if said.artefact == name else name},
                        pressed=said.artefact == name,
                    )
                    for name in ARTEFACTS
                ],
                className="segmented",
                role="group",
                **{"aria-label": "What the artefact is"},
            ),
            field("or in your words", said.artefact or "", action, limit=200, rows=1),
        ],
        className="artefact",
    )
