"""``parley run``: one flow run with its progress and its result in the terminal."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from feedback.errors import ParamsError
from flows.params import load_params

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
    if report is not None and not report.absolute().parent.is_dir():
        raise ParamsError(f"expected a folder for --report {report} (got none); create it first")
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    # The folder of the run's state must be there before Prefect is imported, which looks for it.
    workplace = open_workplace(Settings(), fresh=fresh)

    from flows.console import stage_progress, wait_notice
    from flows.context import ReviewListener
    from flows.inputs import check_inputs
    from flows.retrain import retrain
    from flows.table import print_report

    inputs = check_inputs(params, workplace)
    console.print("[dim]starting the orchestrator …[/]")
    run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    with stage_progress(console) as listen:
        workplace.listeners = (listen,)

        def published(request: "ReviewBundle") -> None:
            if params.review.reviewer == "inbox":
                wait_notice(console, request)

        result = retrain(params, workplace, run_id, ReviewListener(on_published=published), inputs)
    if report is not None:
        report.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print_report(console, result)
