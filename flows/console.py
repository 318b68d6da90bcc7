"""The terminal during a run: one line per stage, with its progress while it works."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from feedback.bundle import ReviewBundle
from tasks.progress import Listener, ProgressEvent

logger = logging.getLogger(__name__)


@contextmanager
def stage_progress(console: Console) -> Iterator[Listener]:
    """Show the stages of a run while they work.

    On a terminal every running stage has a bar; elsewhere each finished stage prints one line, so
    that a log file stays readable.

    Args:
        console: Where to draw.

    Yields:
        The listener to hand to the run.
    """
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<32}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    shown: dict[str, TaskID] = {}

    def listen(event: ProgressEvent) -> None:
        title = event.title
        if event.state == "started":
            shown[event.stage] = bars.add_task(title, total=None, detail="")
            return
        bar = shown.get(event.stage)
        if bar is None:
            return
        if event.state == "advanced":
            bars.update(bar, total=event.total or None, completed=event.done, detail=event.detail)
            return
        bars.remove_task(bar)
        shown.pop(event.stage)
        mark = "[green]✓[/]" if event.state == "finished" else "[red]✗[/]"
        bars.console.print(f"  {mark} {title:<32} [dim]{event.seconds:7.1f} s[/]", highlight=False)

    with bars:
        yield listen


def wait_notice(console: Console, request: ReviewBundle) -> None:
    """Say that the run waits for people, and how they answer."""
    console.print(f"[bold]waiting for an answer to {request.request_id}[/]")
    console.print(
        f"  parley review show {request.request_id} --files review --template answer.json\n"
        f"  parley review submit {request.request_id} answer.json",
        highlight=False,
        soft_wrap=True,
    )
