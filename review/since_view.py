"""What changed since the champion: its dataset, its accuracy, its concepts and edges."""

from collections.abc import Sequence
from itertools import groupby

from dash import html
from dash.development.base_component import Component

from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph.evidence import ConceptCard
from feedback.since import ComparedAccuracy, Difference, SinceChampion
from review.desk import Shown
from review.parts import exemplar, percent, plural, short

_CLASSES_AT_ONCE = 6
_CHANGES_AT_ONCE = 12


def since_view(shown: Shown) -> list[Component]:
    """Tell what differs from the champion, as far as the request holds it.

    Args:
        shown: The request.

    Returns:
        The content of the section.
    """
    bundle = shown.bundle
    earlier = _earlier_edits(shown)
    if bundle.base is None:
        told = (
            f"There is no champion of {bundle.model.name} yet: this request is compared with none."
        )
        return [html.P(told, className="quiet"), *earlier]
    champion = f"Version {bundle.base.version} of {bundle.base.name}"
    if bundle.since is None:
        told = f"{champion} is champion; this request holds no comparison with it."
        return [html.P(told, className="quiet"), *earlier]
    since = bundle.since
    parts: list[Component] = [html.P(_lead(bundle, since, champion))]
    if since.accuracies:
        parts.append(_accuracies(since.accuracies, is_same_data=_is_same_data(bundle, since)))
    if since.remark:
        parts.append(html.P(since.remark, className="quiet"))
    return [*parts, *_changes(shown, since), *earlier]


def _earlier_edits(shown: Shown) -> list[Component]:
    """List the edges that are shown as an earlier review left them."""
    told = [
        html.Li(
            f"{evidence.class_name}: edge {short(evidence.slots[edge.src])} → "
            f"{short(evidence.slots[edge.dst])} was "
            f"{'cut' if edge.state == 'removed' else 'added'} by an earlier review"
        )
        for evidence in shown.evidence.classes
        for edge in evidence.edges
        if edge.state != "auto"
    ]
    return [html.Ul(told)] if told else []


def _is_same_data(bundle: ReviewBundle, since: SinceChampion) -> bool:
    return since.dataset_md5 == bundle.dataset.md5


def _lead(bundle: ReviewBundle, since: SinceChampion, champion: str) -> str:
    now = bundle.dataset.md5[:8]
    if since.dataset_md5 is None:
        data = f"its dataset is not known; this one is {now}."
    elif _is_same_data(bundle, since):
        data = f"the dataset is the same, {now}."
    else:
        data = f"dataset {since.dataset_md5[:8]} then, {now} now."
    return f"{champion} is champion; {data}"


def _accuracies(rows: Sequence[ComparedAccuracy], *, is_same_data: bool) -> Component:
    groups = [row for row in rows if row.is_group]
    # Where they differ most is what a reviewer wants to see first.
    classes = sorted((row for row in rows if not row.is_group), key=_step)
    few = len(classes) <= _CLASSES_AT_ONCE
    on = "the same test images" if is_same_data else "each dataset's own test images"
    told = f"Accuracy on {on}. The network shown here has not been corrected yet."
    parts: list[Component] = [
        html.P(told, className="quiet"),
        _table(groups + (classes if few else [])),
    ]
    if not few:
        summary = f"Class by class, {len(classes)} of them"
        parts.append(html.Details([html.Summary(summary), _table(classes)], className="closed"))
    return html.Div(parts)


def _table(rows: Sequence[ComparedAccuracy]) -> Component:
    head = [html.Th(word, scope="col") for word in ("", "champion", "here", "points")]
    body = [
        html.Tr(
            [
                html.Th(row.name, scope="row"),
                html.Td(percent(row.champion)),
                html.Td(percent(row.shown)),
                html.Td(_points(row), className=_tone(row)),
            ]
        )
        for row in rows
    ]
    return html.Div(
        html.Table([html.Thead(html.Tr(head)), html.Tbody(body)], className="compared"),
        className="scroll",
        tabIndex="0",
        role="region",
        **{"aria-label": "Accuracy of the champion and of the network shown here"},
    )


def _step(row: ComparedAccuracy) -> float:
    if row.champion is None or row.shown is None:
        return 0.0
    return -abs(row.shown - row.champion)


def _points(row: ComparedAccuracy) -> str:
    if row.champion is None or row.shown is None:
        return "–"
    points = round(100 * (row.shown - row.champion), 1)
    return f"{points:+.1f}".replace("-", "−") if points else "same"


def _tone(row: ComparedAccuracy) -> str:
    if row.champion is None or row.shown is None or abs(row.shown - row.champion) < 0.001:
        return "quiet"
    return "for" if row.shown > row.champion else "against"


def _changes(shown: Shown, since: SinceChampion) -> list[Component]:
    if not since.differences:
        if since.remark:
            return []
        told = "Concepts and edges are those of the champion's graphs."
        return [html.P(told, className="quiet")]
    cards = {
        (evidence.class_name, card.concept_id): card
        for evidence in shown.evidence.classes
        for card in evidence.candidates
    }
    groups = [
        html.Div(
            [html.H4(target), html.Ul([_change(shown, cards, row) for row in rows])],
            className="since-class",
        )
        for target, rows in (
            (target, list(found)) for target, found in groupby(since.differences, _target)
        )
    ]
    count = plural(len(since.differences), "difference")
    lead = f"{count} from the champion's graphs. An answer starts from what is shown here."
    if len(since.differences) <= _CHANGES_AT_ONCE:
        return [html.P(lead), html.Div(groups, className="since")]
    content = html.Div(groups, className="since")
    return [html.P(lead), html.Details([html.Summary("All of them"), content], className="closed")]


def _target(row: Difference) -> str:
    return row.target


def _change(shown: Shown, cards: dict[tuple[str, str], ConceptCard], row: Difference) -> Component:
    sides = [
        html.Span([label, _side(shown, cards.get((row.target, value)), value)], className="side")
        for label, value in (("champion ", row.champion), ("here ", row.shown))
    ]
    part = row.part.replace(f"{row.target}/", "")
    why = [html.Span(f"“{row.reason}”", className="quiet")] if row.reason else []
    return html.Li([html.Span(part, className="since-part"), *sides, *why])


def _side(shown: Shown, card: ConceptCard | None, value: str) -> Component:
    if card is None:
        return html.Strong(short(value))
    return html.Strong([exemplar(shown, card, css="crop mini"), short(value)])
