"""The command line, called in this process."""

import sys

import pytest

from flows.cli import main


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
