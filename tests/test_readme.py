"""The README names only what exists: make targets, commands, options, parameters, documents."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from benchmarks.readme import TABLES, fill_tables
from feedback.channels.concept_graph import read_edits
from feedback.document import parse_document
from flows.channel import available_channels
from flows.cli import app
from flows.params import load_params

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CI = (ROOT / ".ci/run").read_text(encoding="utf-8")

BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
LINES = [
    line.strip()
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip()
]
COMMANDS = [shlex.split(line, comments=True) for line in LINES]
PARLEY = [command[1:] for command in COMMANDS if command[0] == "parley"]
MAKE = [command[1:] for command in COMMANDS if command[0] == "make"]


def test_every_command_is_of_a_known_kind():
    kinds = {tuple(command[:2]) if command[0] == "source" else command[0] for command in COMMANDS}
    assert kinds == {"make", "parley", ("source", ".venv/bin/activate")}


def parse(arguments):
    """Parse a command line as far as its command's own options; return their values."""
    command, rest = typer.main.get_command(app), list(arguments)
    # By what it has, not by its class: typer carries its own copy of click.
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    return command.make_context("parley", rest).params


@pytest.mark.parametrize("arguments", PARLEY, ids=" ".join)
def test_every_parley_command_and_option_exists(arguments):
    given = parse(arguments)
    load_params(None, tuple(given.get("set_") or ()))


@pytest.mark.parametrize(
    "arguments", ["runn", "run --dataa x", "data imprt x", "review submit only-one", "params --x"]
)
def test_a_command_that_does_not_exist_would_be_found(arguments):
    with pytest.raises(Exception, match=r"runn|imprt|No such option|Missing parameter"):
        parse(arguments.split())


@pytest.mark.parametrize("arguments", MAKE, ids=" ".join)
def test_every_make_target_and_variable_exists(arguments):
    target, *variables = arguments
    assert re.search(rf"^{re.escape(target)}:.*##", MAKEFILE, re.MULTILINE)
    for variable in variables:
        assert re.search(rf"^{variable.partition('=')[0]} \?=", MAKEFILE, re.MULTILINE)


def test_ci_runs_the_two_commands_and_the_check():
    assert {("run",), ("test",), ("check",)} <= {tuple(arguments) for arguments in MAKE}
    assert re.search(r"^step .* make .*\bcheck$", CI, re.MULTILINE)
    assert re.search(r"^step .* make .*\brun REPORT=", CI, re.MULTILINE)
    # All tests: those that need every server of production in a step of their own.
    assert re.search(r"^step .* make .*\be2e$", CI, re.MULTILINE)
    assert re.search(r'-m pytest -q -n 2 -m "not topology"$', CI, re.MULTILINE)


def test_every_parameter_in_the_table_exists():
    names = re.findall(r"^\| `([a-z_.]+)` \|", README, re.MULTILINE)
    assert names
    params = load_params(None)
    for name in names:
        head, *path = name.split(".")
        if head in available_channels():
            node = load_params(None, (f"channel={head}",)).of_channel()
        else:
            node = getattr(params, head)
        for part in path:
            node = getattr(node, part)


def test_the_feedback_document_is_one():
    (example,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    (edit,) = read_edits(parse_document(example.encode()))
    assert [op.op for op in edit.ops] == ["replace_concept", "remove_edge", "add_edge"]


def test_every_link_and_module_leads_somewhere():
    links = [link for link in re.findall(r"\]\((?!#)([^)]+)\)", README) if "://" not in link]
    assert links
    modules = {name for table in TABLES.values() for name in re.findall(r"-m (\S+)", table.command)}
    modules |= set(re.findall(r"python -m (\w[\w.]*\w)", README))
    paths = list(links)
    for module in modules:
        folder = module.replace(".", "/")
        runnable = (ROOT / folder / "__main__.py").exists()
        paths.append(f"{folder}/__main__.py" if runnable else f"{folder}.py")
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_figure_shows_the_steps_of_the_flow():
    flow = (ROOT / "flows/retrain.py").read_text(encoding="utf-8")
    steps = re.search(r"^dataset -> .* -> promote$", flow, re.MULTILINE)
    assert steps
    assert steps[0].replace(" -> ", " --> ") in README


def test_the_tables_are_those_of_the_results():
    assert fill_tables(README) == README, "run `python -m benchmarks.readme`"
