import json

import pytest
from pydantic import ValidationError

from models.report import RunReport
from models.report_text import to_markdown, to_rows


def arm(edited, other=0.7):
    score = {"accuracy": edited, "low": edited - 0.05, "high": edited + 0.05}
    others = None if other is None else {"accuracy": other, "low": other, "high": other}
    return {"edited_classes": score, "other_classes": others, "all": score}


def document(other=0.7):
    return {
        "dataset": {"path": "data", "md5": "0" * 32, "classes": 12, "train": 840, "test": 840},
        "stages": [{"name": "classifier", "seconds": 1.5, "reused": True}],
        "reasoner": {"agreement": 0.93, "l1": 0.12},
        "edited_classes": ["type_001", "type_002"],
        "edits": [
            {"class_name": "type_001", "op": "remove_edge", "change": "1 → 2", "reason": "sea"}
        ],
        "arms": {
            "original": arm(0.56, other),
            "unmodified_graph": arm(0.54, other),
            "edited_graph": arm(0.77, other),
        },
        "arm_titles": [
            {"arm": "original", "title": "original"},
            {"arm": "unmodified_graph", "title": "distilled, unmodified graphs"},
            {"arm": "edited_graph", "title": "distilled, edited graphs"},
        ],
        "paired": [
            {
                "arm": "edited_graph",
                "against": "original",
                "group": "edited_classes",
                "mean": 0.21,
                "low": 0.18,
                "high": 0.24,
                "p_value": 0.001,
            }
        ],
        "decision": {"promote": True, "reasons": ["better"]},
        "model": {"name": "classifier", "version": "3"},
        "teachers": [{"title": "reasoner, edited graphs", "accuracy": 0.8, "images": 30}],
        "warnings": ["the reasoner is no better"],
    }


def test_a_report_survives_the_way_through_json():
    report = RunReport.model_validate(document())
    assert RunReport.model_validate_json(json.dumps(report.model_dump(mode="json"))) == report
    assert set(document()) <= set(report.model_dump())


def test_rows_give_arms_by_groups_in_percent():
    rows = to_rows(RunReport.model_validate(document()))
    assert rows[0] == ("", "edited classes", "other classes", "all classes")
    assert rows[3][:2] == ("distilled, edited graphs", "77.0 % [72.0, 82.0]")
    assert {len(row) for row in rows} == {4}


def test_an_arm_without_a_title_and_a_title_without_an_arm_are_refused():
    for titles in (
        document()["arm_titles"][:2],
        [*document()["arm_titles"], {"arm": "x", "title": "x"}],
    ):
        with pytest.raises(ValidationError):
            RunReport.model_validate(document() | {"arm_titles": titles})


def test_a_group_without_classes_is_a_dash():
    rows = to_rows(RunReport.model_validate(document(other=None)))
    assert [row[2] for row in rows[1:]] == ["–", "–", "–"]


def test_an_unknown_key_and_a_number_that_is_none_are_refused():
    with pytest.raises(ValidationError):
        RunReport.model_validate(document() | {"surprise": 1})
    broken = document()
    broken["reasoner"]["l1"] = float("nan")
    with pytest.raises(ValidationError):
        RunReport.model_validate(broken)


def test_markdown_holds_the_table_and_the_verdict_but_no_words_of_reviewers():
    text = to_markdown(RunReport.model_validate(document()))
    assert text.startswith("**Promoted**")
    assert "| distilled, edited graphs | 77.0 % [72.0, 82.0] |" in text
    assert "`type_001`, `type_002` (1 edits)" in text
    assert "sea" not in text
    assert text.endswith("**Warning:** the reasoner is no better.")
    stopped = {key: document()[key] for key in ("dataset", "stages")}
    refused = {"promote": False, "reasons": ["the review ended REJECTED: <b>no</b>"]}
    text = to_markdown(RunReport.model_validate(stopped | {"decision": refused}))
    assert text.startswith("**Not promoted**")
    assert "Warning" not in text
    assert "<b>" not in text
