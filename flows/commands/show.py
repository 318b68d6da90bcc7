"""``parley report``, ``parley channels`` and ``parley params``."""

import json
import warnings
from pathlib import Path

import typer
import yaml
from rich.console import Console
from rich.table import Table

import flows.channels
from feedback.discovery import available_modules
from feedback.errors import ParleyError, StoreAwayError, StoreError
from flows.params import channel_params_class, has_params, load_params


def show_report(run_id: str, *, as_json: bool) -> None:
    """Print the report of a finished run.

    Args:
        run_id: Name of the run, or ``latest``.
        as_json: Print the stored JSON instead of a table.
    """
    from flows.table import print_report
    from tasks.exchange import load_report
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    try:
        data = load_report(open_workplace(Settings(), brief=True), run_id)
    except StoreAwayError:
        raise
    except StoreError as error:
        raise ParleyError(
            f"expected a finished run named {run_id!r} (got none in this store); "
            "`parley run` prints the name of its run"
        ) from error
    if as_json:
        typer.echo(data.decode())
    else:
        print_report(Console(), json.loads(data))


def show_channels() -> None:
    """Print every discovered channel and whether it is complete."""
    # Prefect, which a channel imports, says so where nothing was run yet; nothing is run here.
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home")
    from flows.channel import available_channels, missing_parts

    table = Table("channel", "state")
    for name in available_channels():
        lacking = missing_parts(name)
        table.add_row(name, f"lacks {', '.join(lacking)}" if lacking else "complete")
    Console().print(table)


def show_params(path: Path | None, overrides: tuple[str, ...]) -> None:
    """Print all parameters, those of every channel too, in the form of a parameter file."""
    params = load_params(path, overrides)
    tree = params.model_dump(mode="json")
    # The run's own channel first. One that is still being written may have none.
    others = filter(has_params, available_modules(flows.channels))
    names = dict.fromkeys((params.channel, *others))
    tree["channels"] = {
        name: (params.channels.get(name) or channel_params_class(name)()).model_dump(mode="json")
        for name in names
    }
    typer.echo(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), nl=False)
