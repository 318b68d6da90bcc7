"""A class graph drawn without a script, as SVG: places, widths and colours as on the page."""

import math
from collections.abc import Mapping

from feedback.channels.concept_graph.evidence import ClassEvidence
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.graph_view import AGAINST, CHANGED, FOR, GONE, graph_elements
from review.panels.concept_graph.parts import GraphShown
from review.panels.concept_graph.viewing import GraphView
from review.pieces import Ready

_SIDE = 96.0
_BEND = 26.0
_ROOM = 70.0
_LETTERS = 15

Point = tuple[float, float]


def drawn_graph(shown: GraphShown, evidence: ClassEvidence) -> Ready:
    """Draw a class graph as it was shown.

    Args:
        shown: The request.
        evidence: The class.

    Returns:
        The drawing; the table of edges tells the same in numbers.
    """
    elements = graph_elements(shown, evidence, ClassDraft(), GraphView())
    nodes = [one for one in elements if "position" in one]
    at = {_data(one)["id"]: _position(one) for one in nodes}
    edges = [one for one in elements if "position" not in one]
    xs, ys = [x for x, _ in at.values()], [y for _, y in at.values()]
    left, top = min(xs) - _ROOM, min(ys) - _ROOM
    box = f"{left:.0f} {top:.0f} {max(xs) + _ROOM - left:.0f} {max(ys) + _ROOM - top:.0f}"
    parts = [_edge(one, at) for one in edges] + [_node(one) for one in nodes]
    props = {"viewBox": box, "role": "img", "aria-label": "Concept graph", "className": "drawn"}
    return Ready([["svg", props, parts]])


def _data(element: Mapping[str, object]) -> dict[str, object]:
    data = element["data"]
    return data if isinstance(data, dict) else {}


def _position(element: Mapping[str, object]) -> Point:
    position = element["position"]
    return (position["x"], position["y"]) if isinstance(position, dict) else (0.0, 0.0)


def _node(element: Mapping[str, object]) -> list[object]:
    x, y = _position(element)
    left, top, label = x - _SIDE / 2, y - _SIDE / 2, str(_data(element)["label"])
    told = label if len(label) <= _LETTERS else f"{label[: _LETTERS - 1]}…"
    frame = {"x": f"{left:.1f}", "y": f"{top:.1f}", "width": f"{_SIDE:g}", "height": f"{_SIDE:g}"}
    shade = {**frame, "y": f"{top + _SIDE - 20:.1f}", "height": "20", "fill": "#14161a",
             "opacity": "0.72"}  # fmt: skip
    words = {"x": f"{x:.1f}", "y": f"{top + _SIDE - 6:.1f}", "fill": "#ffffff",
             "font-size": "12", "text-anchor": "middle"}  # fmt: skip
    picture = {**frame, "href": str(_data(element)["picture"]),
               "preserveAspectRatio": "xMidYMid slice"}  # fmt: skip
    return ["g", {}, [
        ["title", {}, [label]],
        ["rect", {**frame, "fill": "#8a9097"}, []],
        ["image", picture, []],
        ["rect", shade, []],
        ["text", words, [told]],
        ["rect", {**frame, "fill": "none", "stroke": "#8a9097", "stroke-width": "2", "rx": "3"},
         []],
    ]]  # fmt: skip


def _edge(element: Mapping[str, object], at: Mapping[object, Point]) -> list[object]:
    data, classes = _data(element), str(element["classes"]).split()
    start, end = at[data["source"]], at[data["target"]]
    width = float(str(data["width"]))
    colour = AGAINST if "against" in classes else FOR
    more: dict[str, str] = {}
    if "removed" in classes:
        colour, width, more = GONE, 2.0, {"stroke-dasharray": "2 4"}
    elif "added" in classes:
        colour, width = CHANGED, 5.0
    length = math.dist(start, end) or 1.0
    across = ((end[1] - start[1]) / length, (start[0] - end[0]) / length)
    middle = tuple((start[i] + end[i]) / 2 + _BEND * across[i] for i in (0, 1))
    bend = (middle[0], middle[1])
    away = _leaving(start, bend)
    tip, size = _leaving(end, bend), 5 + 1.2 * width
    along = _unit(bend, tip)
    back = (tip[0] - size * along[0], tip[1] - size * along[1])
    side = (-along[1] * size / 2, along[0] * size / 2)
    head = (tip, (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1]))
    line = {
        "d": f"M{_told(away)} Q{_told(bend)} {_told(back)}",
        "fill": "none", "stroke": colour, "stroke-width": f"{width:.1f}", **more,
    }  # fmt: skip
    points = " ".join(map(_told, head))
    arrow = [["path", line, []], ["polygon", {"points": points, "fill": colour}, []]]
    return ["g", {"opacity": "0.75"}, arrow]


def _leaving(node: Point, to: Point) -> Point:
    """Return where a line from the middle of a node leaves its square."""
    x, y = _unit(node, to)
    reach = (_SIDE / 2 + 3) / max(abs(x), abs(y), 1e-9)
    return (node[0] + reach * x, node[1] + reach * y)


def _unit(start: Point, end: Point) -> Point:
    length = math.dist(start, end) or 1.0
    return ((end[0] - start[0]) / length, (end[1] - start[1]) / length)


def _told(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"
