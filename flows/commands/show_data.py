"""What ``parley data`` prints."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.dataset.importing import ImportReport
    from tasks.dataset.intake import IntakeReport
    from tasks.dataset.problems import Problem
    from tasks.dataset.version import DataStatus

MAX_ROWS = 50


def print_import(report: "ImportReport") -> None:
    """Print one table of problems, then what became of the import."""
    console = Console()
    if report.problems:
        print_problems(report.problems)
    if report.is_refused:
        console.print(
            "[red]nothing was imported[/]: mend the problems, or leave such files out with "
            "--skip-problems"
        )
    else:
        console.print(
            f"imported {report.n_images} images, left out {report.n_left_out}; md5 {report.md5}"
        )


def print_problems(problems: "Sequence[Problem]") -> None:
    """Print one table of problems of a dataset."""
    table = Table("problem", "file", "what to do", title="Problems found in the dataset")
    for problem in problems[:MAX_ROWS]:
        # Names of files are anybody's: a bracket in one is no markup.
        path, message = escape(problem.path), escape(problem.message)
        table.add_row(problem.kind.replace("_", " "), path, message)
    if len(problems) > MAX_ROWS:
        table.add_row("…", f"and {len(problems) - MAX_ROWS} more", "")
    Console().print(table)


def print_status(directory: Path, status: "DataStatus") -> None:
    """Print the recorded and the actual version."""
    console = Console()
    console.print(f"recorded  {status.expected or 'nothing: no .dvc file'}", highlight=False)
    console.print(f"working   {status.actual or f'nothing at {directory}'}", highlight=False)
    console.print("clean" if status.is_clean else "[yellow]different[/]")


def print_intake(report: "IntakeReport") -> None:
    """Print what was refused and why, then what was taken."""
    console = Console()
    refused = report.of("refused")
    if refused:
        table = Table("upload", "why it was refused")
        for receipt in refused[:MAX_ROWS]:
            table.add_row(escape(receipt.name), escape(receipt.reason))
        if len(refused) > MAX_ROWS:
            table.add_row("…", f"and {len(refused) - MAX_ROWS} more")
        console.print(table)
    version = f"; md5 {report.md5}" if report.md5 else ""
    console.print(
        f"took {len(report.of('taken'))} images into the pool, refused {len(refused)}, "
        f"{len(report.of('duplicate'))} were there already, {report.n_left} wait{version}",
        highlight=False,
        soft_wrap=True,
    )
