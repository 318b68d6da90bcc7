"""The request as a whole: what changed, what the panel tells of it, who has answered."""

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from review.desk import Standing
from review.draft import Draft, ItemDraft
from review.following_view import said_before
from review.parts import due, fact, plural
from review.shown import AnyShown
from review.since_view import since_view


def overview(
    shown: AnyShown, draft: Draft[ItemDraft], standing: Standing, reviewer: str, now: datetime
) -> Component:
    """Show the request as a whole.

    Args:
        shown: The request.
        draft: What the reviewer said.
        standing: Where it stands.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        The page's content while no item is chosen.
    """
    bundle, own = shown.bundle, shown.panel.overview(shown)
    version = f"version {bundle.model.version}" if bundle.model.version else "not registered yet"
    parts: list[Component] = [
        html.H2("Overview", id="class-title", tabIndex="-1"),
        html.Dl(
            [
                *own.facts,
                fact("Model", bundle.model.name, note=version),
                fact("Dataset", bundle.dataset.md5[:8], note=f"{bundle.dataset.n_train:,} train"),
                fact("Round", str(bundle.round), note=due(standing.closes_at, now)),
            ],
            className="facts",
        ),
        html.P(bundle.notes, className="notes") if bundle.notes else html.Span(),
        *said_before(shown, draft),
        html.Section([html.H3("Since the champion"), *since_view(shown, own.earlier)]),
        *own.sections,
        html.Section(
            [html.H3("Who has answered"), html.P(_answers(standing, reviewer))],
        ),
        *own.appendix,
    ]
    return html.Div(parts, className="overview")


def _answers(standing: Standing, reviewer: str) -> str:
    told = ["you" if name == reviewer else name for name in standing.answered]
    if not told:
        return "Nobody yet."
    waits = (
        f" {plural(standing.waiting, 'answer')} of yours waits to be judged."
        if standing.waiting
        else ""
    )
    return f"{', '.join(told)}.{waits}"
