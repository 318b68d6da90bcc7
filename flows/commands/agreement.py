"""What ``parley review agreement`` prints."""

import json
from dataclasses import asdict

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from feedback.agreement import Agreement, Ratio, measure_agreement
from feedback.closed import closed_reviews
from feedback.kappa import FEW, Kappa


def show_agreement(*, as_json: bool) -> None:
    """Print how far reviewers agree with decisions and with each other.

    Args:
        as_json: Print JSON with all numbers instead of tables.
    """
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    found = measure_agreement(closed_reviews(open_workplace(Settings(), brief=True).objects))
    if as_json:
        typer.echo(json.dumps(to_json(found), indent=2, ensure_ascii=False))
        return
    console = Console()
    if not found.reviewers:
        console.print("nobody has answered a request that is closed")
        return
    people = Table(title="Reviewers")
    for title in ("reviewer", "answered", "hours", "as decided", "edits overridden", "joined"):
        people.add_column(title)
    for one in found.reviewers:
        people.add_row(
            escape(one.reviewer),
            str(one.answered),
            "–" if one.hours_to_answer is None else f"{one.hours_to_answer:.1f}",
            _ratio(one.as_decided),
            _ratio(one.overridden),
            str(one.joined),
        )
    console.print(people)
    if found.pairs:
        pairs = Table(title="Pairs, on what each makes of the items of requests that both approved")
        for title in ("reviewers", "requests", "items", "edited", "the same", "kappa"):
            pairs.add_column(title)
        for pair in found.pairs:
            kappa = pair.kappa
            pairs.add_row(
                escape(f"{pair.first}, {pair.second}"),
                str(pair.requests),
                str(kappa.n if kappa else 0),
                str(pair.either_edited),
                str(kappa.same if kappa else 0),
                _kappa(kappa),
            )
        console.print(pairs)
    console.print(
        f"In brackets 95 % intervals. * fewer than {FEW} cases: too few to judge anybody by.",
        highlight=False,
    )


def to_json(found: Agreement) -> dict[str, object]:
    """Return all numbers, with shares, intervals and what is too few."""
    return {
        "reviewers": [
            asdict(one) | {"as_decided": _told(one.as_decided), "overridden": _told(one.overridden)}
            for one in found.reviewers
        ],
        "pairs": [
            asdict(pair)
            | {"kappa": pair.kappa and asdict(pair.kappa) | {"is_few": pair.kappa.is_few}}
            for pair in found.pairs
        ],
    }


def _told(ratio: Ratio) -> dict[str, object]:
    told: dict[str, object] = {"share": ratio.share, "interval": ratio.interval}
    return asdict(ratio) | told | {"is_few": ratio.is_few}


def _ratio(ratio: Ratio) -> str:
    if ratio.interval is None:
        return "–"
    low, high = ratio.interval
    return f"{ratio.hits} of {ratio.n} ({low:.2f}-{high:.2f}){'*' * ratio.is_few}"


def _kappa(kappa: Kappa | None) -> str:
    if kappa is None or kappa.value is None:
        return "–"
    return f"{kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f}){'*' * kappa.is_few}"
