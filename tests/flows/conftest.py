"""The command line called in this process, a refusal that changes nothing, and a finished run."""

import hashlib
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flows.cli import main
from tests.shapes import tiny_overrides

# What a refused command may leave: it is whole, nobody's work, and may be deleted at any time.
MEMORY = "home/cache/digests.json"


def files_below(root: Path) -> dict[str, str]:
    """Return the digest of every file by its path; a started folder without a file is nothing."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and (name := path.relative_to(root).as_posix()) != MEMORY
    }


@pytest.fixture
def parley(settings, monkeypatch, capsys, tmp_path):
    """Run a command in this process and return its exit code, output and error output."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["parley", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return call


@pytest.fixture
def refused(parley, tmp_path):
    """Check that a command ends with one clear line, and leaves home, data and all else alone."""

    def check(*arguments, message):
        before = files_below(tmp_path)
        code, _, error = parley(*arguments)
        assert code == 1, error
        assert error.startswith("parley: ")
        assert error.count("\n") == 1, error
        assert message in error
        # What was got, and what to do about it.
        assert re.search(r"[( ]got[ :]|: unknown parameter|: no channel named", error), error
        assert ";" in error
        assert "Traceback" not in error
        assert files_below(tmp_path) == before
        return error

    return check


@pytest.fixture
def run_refused(refused):
    """The same for ``parley run`` on the settings of a tiny run."""
    flags = [flag for value in tiny_overrides() for flag in ("--set", value)]

    def check(*arguments, message):
        return refused("run", *flags, *arguments, message=message)

    return check


@pytest.fixture(scope="session")
def first(tmp_path_factory, shapes_dir, prefect_server):
    """A finished run with the simulated reviewer; its home is read only for all but one test."""
    from flows.context import ReviewListener
    from tests.flows.runs import Finished, run

    home = tmp_path_factory.mktemp("first")
    published = []
    report, workplace = run(
        home, shapes_dir, listener=ReviewListener(on_published=published.append), run_id="run-1"
    )
    return Finished(report, workplace, published[0])


@pytest.fixture
def asked_anew(first, tmp_path):
    """Another home that has every stage and the open request of the first run, and no answer."""
    home = tmp_path / "home"
    for part in ("artifacts", "stages", "reviews"):
        shutil.copytree(first.workplace.settings.home / "store" / part, home / "store" / part)
    return home


@pytest.fixture
def any_student_may_be_promoted(monkeypatch):
    """Let the channels' rules allow whatever two epochs taught: the test is about champions."""
    from flows.channels import concept_graph, saliency_grid

    def let(channel):
        whole = channel.evaluate

        def lenient(run, explained, corrected):
            return replace(whole(run, explained, corrected), promote=True)

        monkeypatch.setattr(channel, "evaluate", lenient)

    let(concept_graph)
    let(saliency_grid)
