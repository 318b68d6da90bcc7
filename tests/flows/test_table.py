import io

import pytest
from rich.console import Console

from flows.table import print_report

REPORT = {
    "dataset": {"path": "data", "md5": "0" * 32, "classes": 3, "train": 1, "test": 1},
    "stages": [],
    "decision": {"promote": False, "reasons": ["not better"]},
    "model": {"name": "net", "version": "2", "alias": "candidate"},
    "tracking": {
        "uri": "sqlite:////home/me/.parley/mlflow.db",
        "experiment": "1",
        "run": "r0",
        "compare_versions": "#/compare-model-versions?name=%22net%22&runs=" + "x" * 120,
        "compare_figures": "#/compare-runs?runs=%5B%22r1%22%5D",
    },
}


SCORE = {"accuracy": 0.5, "low": 0.4, "high": 0.6}
COMPARED = {
    "arms": {"original": {"edited_classes": SCORE, "other_classes": None, "all": SCORE}},
    "arm_titles": [{"arm": "original", "title": "original"}],
    "teachers": [
        {"title": "reasoner, unmodified graphs", "accuracy": 0.875, "images": 40},
        {"title": "reasoner, edited graphs", "accuracy": 0.7, "images": 40},
    ],
    "warnings": ["the edited [red] reasoner is no better"],
}


@pytest.fixture
def printed():
    def lines(**tracking):
        out = io.StringIO()
        report = REPORT | {"tracking": REPORT["tracking"] | tracking}
        print_report(Console(file=out, width=80), report)
        return out.getvalue().splitlines()

    return lines


def test_the_end_of_a_run_opens_mlflow_on_both_versions(printed):
    lines = printed()
    command = "mlflow ui --port 5000 --backend-store-uri sqlite:////home/me/.parley/mlflow.db"
    assert any(line.endswith(command) for line in lines)
    # Whole addresses, each on one line however narrow the terminal is.
    pages = [line.split()[-1] for line in lines if "/#/" in line]
    tracking = REPORT["tracking"]
    assert pages == [
        f"http://127.0.0.1:5000/{tracking['compare_versions']}",
        f"http://127.0.0.1:5000/{tracking['compare_figures']}",
        "http://127.0.0.1:5000/#/experiments/1/runs/r0",
    ]


def test_with_a_tracking_server_its_own_address_is_shown_and_none_is_started(printed):
    lines = printed(uri="https://mlflow.example.org/")
    assert not any("mlflow ui" in line for line in lines)
    pages = [line.split()[-1] for line in lines if "/#/" in line]
    assert len(pages) == 3
    assert all(page.startswith("https://mlflow.example.org/#/") for page in pages)


def test_a_run_without_versions_shows_the_run_alone(printed):
    lines = printed(compare_versions="", compare_figures="")
    assert [line.split()[0] for line in lines if "/#/" in line] == ["run"]


def test_both_reasoners_are_shown_and_a_doubt_about_the_edit_stands_below_them():
    out = io.StringIO()
    print_report(Console(file=out, width=120), REPORT | COMPARED)
    lines = [line.strip() for line in out.getvalue().splitlines()]
    first = lines.index("reasoner, unmodified graphs: right on 87.5% of 40 validation images")
    assert lines[first + 1] == "reasoner, edited graphs: right on 70.0% of 40 validation images"
    # A report is a file: a bracket in it is no markup.
    assert lines[first + 2] == "warning   the edited [red] reasoner is no better"


def test_an_edit_without_a_reason_leaves_no_empty_line():
    edits = [
        {"class_name": "cat", "op": "mark_cells", "change": "a.jpg: row 1 column 2"},
        {"class_name": "dog", "op": "replace_node", "change": "k1 to k2", "reason": "a fence"},
    ]
    out = io.StringIO()
    print_report(Console(file=out, width=80), REPORT | COMPARED | {"edits": edits})
    lines = out.getvalue().splitlines()
    first = lines.index("the reviewer made 2 edits")
    assert lines[first + 1 : first + 4] == [
        "  cat: a.jpg: row 1 column 2", "  dog: k1 to k2", "      a fence",
    ]  # fmt: skip
