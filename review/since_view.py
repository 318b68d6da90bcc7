"""What changed since the champion: its dataset, its accuracy, and what its evidence shows."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from dash import html
from dash.development.base_component import Component

from feedback.bundle import ReviewBundle
from feedback.since import ComparedAccuracy, Difference, SinceChampion
from review.parts import percent, plural
from review.shown import AnyShown

_CLASSES_AT_ONCE = 6
_CHANGES_AT_ONCE = 12


def since_view(shown: AnyShown, earlier: Sequence[Component] = ()) -> list[Component]:
    """Tell what differs from the champion, as far as the request holds it.

    Args:
        shown: The request.
        earlier: What is shown as an earlier review left it, told by the panel.

    Returns:
        The content of the section.
    """
    bundle = shown.bundle
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
    if unknown := sum(row.shown is None for row in classes):
        told += f" Without test images now: {plural(unknown, 'class')}."
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


def _changes(shown: AnyShown, since: SinceChampion) -> list[Component]:
    words = shown.panel.WORDS
    if not since.differences:
        return [] if since.remark else [html.P(words.same, className="quiet")]
    groups = [
        html.Div(
            [html.H4(target), html.Ul([_change(shown, row) for row in rows])],
            className="since-class",
        )
        for target, rows in groupby(since.differences, attrgetter("target"))
    ]
    count = plural(len(since.differences), "difference")
    lead = f"{count} from {words.champion}. An answer starts from what is shown here."
    content = html.Div(groups, className="since")
    if len(since.differences) <= _CHANGES_AT_ONCE:
        return [html.P(lead), content]
    return [html.P(lead), html.Details([html.Summary("All of them"), content], className="closed")]


def _change(shown: AnyShown, row: Difference) -> Component:
    value_told = shown.panel.value_told
    sides = [
        html.Span([label, html.Strong(value_told(shown, row.target, value))], className="side")
        for label, value in (("champion ", row.champion), ("here ", row.shown))
    ]
    part = row.part.replace(f"{row.target}/", "")
    why = [html.Span(f"“{row.reason}”", className="quiet")] if row.reason else []
    return html.Li([html.Span(part, className="since-part"), *sides, *why])
