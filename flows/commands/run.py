"""``parley run``: one flow run with its progress and its result in the terminal."""

import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue
from rich.console import Console

from feedback.errors import ParamsError, StoreError
from flows.params import check_in_process, load_params
from tasks.whole_files import written_whole

if TYPE_CHECKING:
    from feedback.bundle import ReviewBundle


def run_pipeline(
    params_file: Path | None, overrides: tuple[str, ...], *, report: Path | None, fresh: bool
) -> None:
    """Run the flow in this process.

    Args:
        params_file: YAML file of parameters; None starts from the defaults.
        overrides: ``key=value`` pairs.
        report: Where to write the report as JSON.
        fresh: Compute every stage again.
    """
    console = Console()
    params = load_params(params_file, overrides)
    check_in_process(params)
    if report is not None:
        _check_report(report)
    from tasks.settings import Settings
    from tasks.workplace import check_room, open_workplace

    # The folder of the run's state must be there before Prefect is imported, which looks for it.
    workplace = open_workplace(Settings(), fresh=fresh)
    check_room(workplace.settings.home)

    from flows.commands.show_data import print_problems
    from flows.inputs import check_inputs
    from flows.temporary_server import temporary_server

    inputs = check_inputs(params, workplace, print_problems)
    console.print("[dim]starting the orchestrator …[/]")
    with temporary_server() as wait_until_ready:
        # Imported while the server starts: both take seconds.
        from flows.console import stage_progress, wait_notice
        from flows.context import ReviewListener
        from flows.retrain import retrain
        from flows.table import print_report
        from tasks.tracking_store import import_tracking

        import_tracking(workplace.settings)
        wait_until_ready()
        run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        with stage_progress(console) as listen:
            workplace.listeners = (listen,)

            def published(request: "ReviewBundle") -> None:
                if params.review.reviewer == "inbox":
                    wait_notice(console, request)

            listener = ReviewListener(on_published=published)
            result = retrain(params, workplace, run_id, listener, inputs)
    print_report(console, result)
    if report is not None:
        _write_report(report, result)


def _check_report(path: Path) -> None:
    """Refuse a place for the report that cannot hold it, before hours of work are put into it."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ParamsError(f"expected a folder for --report {path} (got none); create it first")
    if path.is_dir():
        raise ParamsError(f"expected a file for --report {path} (got a folder); name one in it")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ParamsError(
            f"expected a place to write --report {path} (got one that is read-only); name another"
        )


def _write_report(path: Path, report: Mapping[str, JsonValue]) -> None:
    """Write the report completely or not at all."""
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    try:
        if path.exists() and not path.is_file():  # a pipe or a device is written as it is
            path.write_text(text, encoding="utf-8")
            return
        with written_whole(path) as stream:
            stream.write(text.encode())
    except OSError as error:
        raise StoreError(
            f"expected to write the report to {path} (got: {error.strerror}); the run is finished "
            f"all the same, `parley report {report['run']} --json` prints it"
        ) from error
