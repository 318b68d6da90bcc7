import json

import pytest

from feedback.errors import MalformedDocumentError, ObjectNotFoundError
from tasks.exchange import load_report, read_feedback_file, save_report


def test_the_latest_report_is_found_without_its_name(workplace):
    save_report(workplace, "run-1", {"a": 1})
    save_report(workplace, "run-2", {"a": 2})
    assert json.loads(load_report(workplace, "latest")) == {"a": 2}
    assert json.loads(load_report(workplace, "run-1")) == {"a": 1}
    with pytest.raises(ObjectNotFoundError):
        load_report(workplace, "run-3")


def test_a_report_holds_only_numbers_that_json_knows(workplace):
    with pytest.raises(ValueError):
        save_report(workplace, "run-1", {"a": float("nan")})
    with pytest.raises(ObjectNotFoundError):
        load_report(workplace, "latest")


def test_a_feedback_file_must_exist_and_be_small(tmp_path):
    with pytest.raises(MalformedDocumentError, match="check the path"):
        read_feedback_file(tmp_path / "none.json")
    (tmp_path / "large.json").write_bytes(b" " * 20_000_000)
    with pytest.raises(MalformedDocumentError, match="expected at most"):
        read_feedback_file(tmp_path / "large.json")
