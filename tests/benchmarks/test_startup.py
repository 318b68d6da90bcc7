import pytest

from benchmarks.startup import call


def test_a_command_that_fails_is_not_timed(tmp_path):
    with pytest.raises(RuntimeError, match=r"'parley nothing' to answer \(got exit code 2\)"):
        call("parley nothing", str(tmp_path))
