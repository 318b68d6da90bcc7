"""A run's report in the terminal: the comparison, the reviewer's changes, where to look next."""

from collections.abc import Mapping

from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.ports import Ports
from models.report import GROUP_NAMES, RunReport, TrackingReport
from models.report_text import to_rows

MAX_EDITS = 12


def print_report(console: Console, document: Mapping[str, JsonValue]) -> None:
    """Print a report.

    Args:
        console: Where to print.
        document: What ``retrain`` returned.
    """
    report = RunReport.model_validate(document, strict=False)
    console.print()
    if report.arms is not None:
        console.print(_comparison(report))
        _print_differences(console, report)
        _print_teachers(console, report)
        _print_edits(console, report)
    if report.model is not None:
        console.print(
            f"[bold]model[/]     {report.model.name} version {report.model.version} "
            f"([bold]{report.model.alias}[/])"
        )
    verdict = "[green]promoted[/]" if report.decision.promote else "[yellow]not promoted[/]"
    console.print(f"[bold]decision[/]  {verdict}")
    for reason in report.decision.reasons:
        console.print(f"          {reason}", markup=False, highlight=False)
    _print_origin(console, report)


def _comparison(report: RunReport) -> Table:
    caption = "intervals over seeds and images"
    if report.reasoner is not None:
        caption += (
            f" · reasoner agrees with the classifier on {report.reasoner.agreement:.0%} "
            "of unseen images"
        )
    table = Table(
        # Class names are anybody's: a bracket in one is no markup.
        title="Accuracy on the test images; edited classes: "
        + escape(", ".join(report.edited_classes)),
        caption=caption,
        title_justify="left",
        caption_justify="left",
    )
    header, *rows = to_rows(report)
    for title in header:
        table.add_column(title, justify="right" if title else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _print_differences(console: Console, report: RunReport) -> None:
    titles = {one.arm: one.title for one in report.arm_titles}
    candidate = report.arm_titles[-1].arm if report.arm_titles else ""
    for row in report.paired:
        if row.arm == candidate and row.group != "all":
            mean, low, high = (100 * value for value in (row.mean, row.low, row.high))
            console.print(
                f"  {titles[candidate]} minus {titles[row.against]}, {GROUP_NAMES[row.group]}: "
                f"{mean:+.1f} points [{low:+.1f}, {high:+.1f}]",
                highlight=False,
            )


def _print_teachers(console: Console, report: RunReport) -> None:
    """Say how right the teachers are themselves, and what that should make people doubt."""
    for teacher in report.teachers:
        console.print(
            f"  {teacher.title}: right on {teacher.accuracy:.1%} of {teacher.images} "
            "validation images",
            markup=False,
            highlight=False,
        )
    for warning in report.warnings:
        console.print(f"[yellow]warning[/]   {escape(warning)}", highlight=False)


def _print_edits(console: Console, report: RunReport) -> None:
    console.print(f"\n[bold]the reviewer made {len(report.edits)} edits[/]")
    for edit in report.edits[:MAX_EDITS]:
        why = f"\n      {edit.reason}" if edit.reason else ""
        console.print(f"  {edit.class_name}: {edit.change}{why}", markup=False, highlight=False)
    if len(report.edits) > MAX_EDITS:
        console.print(f"  … and {len(report.edits) - MAX_EDITS} more; `parley report` has them all")
    console.print()


def _print_origin(console: Console, report: RunReport) -> None:
    """Say which data and stages it came from, and where the figures are."""
    reused = sum(stage.reused for stage in report.stages)
    seconds = sum(stage.seconds for stage in report.stages if not stage.reused)
    console.print(
        f"[bold]data[/]      {escape(report.dataset.path)} (md5 {report.dataset.md5})",
        highlight=False,
    )
    console.print(
        f"[bold]stages[/]    {len(report.stages)}, {reused} reused, {seconds:.0f} s computed"
    )
    if report.tracking is None:
        return
    _print_pages(console, report.tracking)


def _print_pages(console: Console, tracking: TrackingReport) -> None:
    """Say how MLflow is opened, and on which pages."""
    pages = {
        "compare": tracking.compare_versions,
        "figures": tracking.compare_figures,
        "run": f"#/experiments/{tracking.experiment}/runs/{tracking.run}",
    }
    server = tracking.uri.rstrip("/")
    if not server.startswith(("http://", "https://")):
        # Beside Parley's own processes MLflow would ask its makers' server for settings.
        ui = f"mlflow ui --port {Ports.mlflow} --backend-store-uri {tracking.uri}"
        command = f"MLFLOW_DISABLE_TELEMETRY=true {ui}"
        console.print(f"[bold]look[/]      {command}\n          then open", soft_wrap=True)
        server = f"http://127.0.0.1:{Ports.mlflow}"
    for name, page in pages.items():
        if page:
            # One unbroken line each: a terminal opens it with a click.
            console.print(f"[bold]{name:<9}[/] {server}/{page}", soft_wrap=True, highlight=False)
