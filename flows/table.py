"""A run's report in the terminal: the comparison, the reviewer's changes, where to look next."""

from collections.abc import Mapping

from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

ARMS = {
    "original": "original",
    "unmodified_graph": "distilled, unmodified graphs",
    "edited_graph": "distilled, edited graphs",
}
GROUPS = {
    "edited_classes": "edited classes",
    "other_classes": "other classes",
    "all": "all classes",
}
MAX_EDITS = 12


def print_report(console: Console, report: Mapping[str, JsonValue]) -> None:
    """Print a report.

    Args:
        console: Where to print.
        report: What ``retrain`` returned.
    """
    stages = _rows(report.get("stages"))
    reused = sum(1 for stage in stages if stage.get("reused"))
    seconds = sum(float(str(s["seconds"])) for s in stages if not s.get("reused"))
    console.print()
    if "arms" in report:
        console.print(_comparison(report))
        _print_differences(console, report)
        _print_edits(console, report)
        model = _mapping(report["model"])
        console.print(
            f"[bold]model[/]     {model['name']} version {model['version']} "
            f"([bold]{model['alias']}[/])"
        )
    decision = _mapping(report["decision"])
    verdict = "[green]promoted[/]" if decision["promote"] else "[yellow]not promoted[/]"
    console.print(f"[bold]decision[/]  {verdict}")
    for reason in _list(decision["reasons"]):
        console.print(f"          {reason}", markup=False, highlight=False)
    tracking = _mapping(report["tracking"])
    uri, experiment, run = tracking["uri"], tracking["experiment"], tracking["run"]
    dataset = _mapping(report["dataset"])
    console.print(f"[bold]data[/]      {dataset['path']} (md5 {dataset['md5']})", highlight=False)
    console.print(f"[bold]stages[/]    {len(stages)}, {reused} reused, {seconds:.0f} s computed")
    console.print(
        "[bold]figures[/]   in MLflow under the run's figures/, and with the command below"
    )
    console.print(
        f"[bold]look[/]      mlflow ui --port 5000 --backend-store-uri {uri}", soft_wrap=True
    )
    console.print(
        f"          then http://127.0.0.1:5000/#/experiments/{experiment}/runs/{run}",
        soft_wrap=True,
    )


def _comparison(report: Mapping[str, JsonValue]) -> Table:
    arms, reasoner = _mapping(report["arms"]), _mapping(report["reasoner"])
    edited = ", ".join(str(name) for name in _list(report["edited_classes"]))
    table = Table(
        title=f"Accuracy on the test images; edited classes: {edited}",
        caption=f"95 % intervals over seeds and images · reasoner agrees with the classifier on "
        f"{float(str(reasoner['agreement'])):.0%} of held-out images",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("")
    for title in GROUPS.values():
        table.add_column(title, justify="right")
    for arm, name in ARMS.items():
        scores = _mapping(arms[arm])
        table.add_row(name, *(_cell(scores.get(group)) for group in GROUPS))
    return table


def _print_differences(console: Console, report: Mapping[str, JsonValue]) -> None:
    for row in _rows(report["paired"]):
        if row["arm"] == "edited_graph" and row["group"] != "all":
            mean, low, high = (100 * float(str(row[key])) for key in ("mean", "low", "high"))
            console.print(
                f"  edited graphs minus {ARMS[str(row['against'])]}, {GROUPS[str(row['group'])]}: "
                f"{mean:+.1f} points [{low:+.1f}, {high:+.1f}]",
                highlight=False,
            )


def _print_edits(console: Console, report: Mapping[str, JsonValue]) -> None:
    edits = _rows(report["edits"])
    console.print(f"\n[bold]the reviewer made {len(edits)} edits[/]")
    for edit in edits[:MAX_EDITS]:
        console.print(
            f"  {edit['class_name']}: {edit['change']}\n      {edit['reason']}",
            markup=False,
            highlight=False,
        )
    if len(edits) > MAX_EDITS:
        console.print(f"  … and {len(edits) - MAX_EDITS} more; `parley report` has them all")
    console.print()


def _cell(score: JsonValue) -> str:
    if not isinstance(score, dict):
        return "–"
    accuracy, low, high = (100 * float(str(score[key])) for key in ("accuracy", "low", "high"))
    return f"{accuracy:.1f} % [{low:.1f}, {high:.1f}]"


def _mapping(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _rows(value: JsonValue) -> list[dict[str, JsonValue]]:
    return [row for row in _list(value) if isinstance(row, dict)]
