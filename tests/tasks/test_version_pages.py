import json
from urllib.parse import parse_qs

import pytest

from tasks.tracking_store import start_tracking
from tasks.version_pages import VersionRef, compare_page, describe_version, figures_page, run_title


@pytest.fixture
def tracker(settings):
    return start_tracking(settings, "run-1", {})


def version(number, name="net"):
    return VersionRef(name=name, version=str(number), digest="", run_id=f"r{number}")


def test_the_compare_page_is_asked_for_as_mlflows_own_page_asks():
    # Read by the page as JSON; the name is decoded once more after that.
    page, _, query = compare_page(version(1, "a b"), version(3, "a b")).partition("?")
    assert page == "#/compare-model-versions"
    # The page's parser takes the question mark for a part of the first name.
    assert query.startswith("name=")
    fields = parse_qs(query)
    assert json.loads(fields["name"][0]) == "a%20b"
    assert json.loads(fields["runs"][0]) == {"1": "r1", "3": "r3"}


def test_the_addresses_need_no_quoting(tracker):
    for page in (
        compare_page(version(1, "a b"), version(2, "a b")),
        figures_page(tracker, version(1), version(2)),
    ):
        assert not set(page) & set(" \"'{}[]<>")


def test_a_runs_name_says_what_it_is_and_of_which_data(tracker):
    assert run_title(tracker, "candidate", "") == "candidate"
    tracker.log_dataset("pets37", "0" * 32, 1)
    assert run_title(tracker, "candidate v3", "edited graphs") == (
        "candidate v3: edited graphs, pets37"
    )


def test_a_version_carries_its_description(tracker):
    tracker.client.create_registered_model("net")
    tracker.client.create_model_version("net", "file:///none")
    describe_version(tracker, version(1), "**Promoted**")
    assert tracker.client.get_model_version("net", "1").description == "**Promoted**"
