"""The panel of a channel of pictures with squares; copied in by ``add_toy``."""

from typing import Literal

from dash import html
from feedback.channels.toy_tiles import Cell, TileMarks, check, read_evidence

from feedback.document import read_responses
from review.actions import ItemAction, Look
from review.draft import ItemDraft
from review.offline.choices import turn
from review.parts import button, picture, place
from review.pieces import Glimpse, Line, Marks, Overview, Shortcut, Words
from review.viewing import View, look_at

__all__ = ["check", "read_evidence"]


class TileDraft(ItemDraft):
    cells: tuple[Cell, ...] = ()
    unusable: bool = False

    @property
    def n_edits(self):
        return len(self.cells) + self.unusable

    @property
    def speaks(self):
        return self.n_edits > 0


class Toggle(ItemAction):
    kind: Literal["toggle"]
    cell: Cell


class Unusable(ItemAction):
    kind: Literal["unusable"]


class TileView(View):
    is_outlined: bool = False


class TileLook(Look):
    outlined: bool | None = None


DRAFT, VIEW, LOOK, ACTIONS = TileDraft, TileView, TileLook, (Toggle, Unusable)
WORDS = Words(
    item="image", items="images", unedited="nothing is marked", champion="the champion's squares",
    same="Squares are those of the champion.", is_batch=True, previews=False,
)  # fmt: skip
SHORTCUTS = (Shortcut("x", "image unusable"), Shortcut("o", "outlines"))


def look(view, action, evidence):
    seen = look_at(view, action)
    if action.outlined is None:
        return seen
    return seen.model_copy(update={"is_outlined": action.outlined})


def apply(said, action, evidence):
    if isinstance(action, Unusable):
        return said.model_copy(update={"unusable": not said.unusable})
    cells = set(said.cells) ^ {action.cell}
    return said.model_copy(update={"cells": tuple(sorted(cells))})


def response_of(item, said, evidence):
    return TileMarks(image=item, cells=said.cells, unusable=said.unusable)


def draft_of(response, evidence):
    (marks,) = read_responses([response], TileMarks)
    return marks.image, TileDraft(cells=marks.cells, unusable=marks.unusable)


def told(item, said, evidence):
    squares = ", ".join(f"{row + 1}/{column + 1}" for row, column in said.cells)
    return [Line(f"squares {squares}")] if squares else [Line("unusable")]


def glimpse(shown):
    return Glimpse(f"{len(shown.evidence.images)} images", "Squares to click.")


def notes(shown):
    return {one.image: one.predicted for one in shown.evidence.images}


def overview(shown):
    return Overview(sections=[html.Section(html.H3("All squares"))])


def value_told(shown, target, value):
    return value


def effect_told(found):
    return []


def layout():
    return [place("tiles"), place("flags")]


def parts_of(shown, said, view):
    (one,) = (one for one in shown.evidence.images if one.image == view.item)
    side = shown.evidence.side
    squares = [
        button(
            f"{row + 1}/{column + 1}",
            {"kind": "toggle", "item": one.image, "cell": [row, column]},
            mark=f"cell {row} {column}",
            className="square",
        )
        for row in range(side)
        for column in range(side)
    ]
    flag = {"kind": "unusable", "item": one.image}
    outlined = {"kind": "look", "outlined": not view.is_outlined}
    return {
        "tiles": [
            html.H2(shown.titles[one.image], id="class-title"),
            picture(shown, one.file, one.image),
            html.Div(squares, **{"data-columns": str(side)}),
        ],
        "flags": [
            button("Unusable", flag, pressed=said.unusable, key="x", id="unusable"),
            button("Outlines", outlined, pressed=view.is_outlined, key="o", id="outlines"),
        ],
    }


def printed(shown, item):
    (one,) = (one for one in shown.evidence.images if one.image == item)
    side = range(shown.evidence.side)
    squares = [
        turn(item, [[r, c]], f"{r + 1}/{c + 1}", into="cells", name=f"square {r} {c}", css="square")
        for r in side
        for c in side
    ]
    return [html.H2(shown.titles[item]), picture(shown, one.file, one.image), *squares]


def marks_of(shown, said, view):
    return Marks([f"cell {row} {column}" for row, column in said.cells])


def tools(view, n_edits):
    return []


def register(app, desk):
    pass
