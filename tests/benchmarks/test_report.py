import json

import pytest

from benchmarks.report import spread, write_result


def test_a_result_is_written_beside_its_machine(tmp_path):
    path = write_result("mining", {"seed": 3, "ratio": 1.25}, folder=tmp_path / "new")
    document = json.loads(path.read_text())
    assert document["result"] == {"seed": 3, "ratio": 1.25}
    assert document["machine"]["cores"] >= 1
    assert document["machine"]["packages"]["torch"]


def test_not_a_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_result("mining", {"ratio": float("nan")}, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_spread_is_median_and_range():
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0, "values": [3, 1, 2]}
