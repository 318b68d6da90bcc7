"""What the command line says of an error: one line that names the cause a person can mend."""

import pytest

from feedback.errors import TrackingError
from flows import cli

FULL = "(raised as a result of autoflush)\n(sqlite3.OperationalError) database or disk is full"


@pytest.fixture
def told(monkeypatch, capsys, settings):
    """Run the command line with a command that fails on a full disk under MLflow."""

    def fail():
        try:
            raise RuntimeError(FULL)
        except RuntimeError as error:
            raise TrackingError("expected MLflow to take the records (got: autoflush)") from error

    def run():
        monkeypatch.setattr(cli, "app", fail)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 1
        return capsys.readouterr().err

    return run


def test_a_full_disk_under_the_tracking_database_of_this_folder_is_named(told, settings):
    error = told()
    assert error.startswith(f"parley: expected to write in {settings.home}")
    assert "free disk space" in error
    assert error.count("\n") == 1


def test_a_full_disk_of_a_tracking_server_is_not_taken_for_ours(told, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert told() == "parley: expected MLflow to take the records (got: autoflush)\n"
