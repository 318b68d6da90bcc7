"""A later run that mines concepts anew proposes what was accepted, and applies nothing."""

import shutil

import pytest

from feedback.channels.concept_graph import read_evidence
from flows.context import ReviewListener
from tests.flows.runs import computed, run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def test_a_run_that_mines_anew_proposes_what_was_accepted_and_applies_nothing(
    first, shapes_dir, tmp_path
):
    home = tmp_path / "home"
    shutil.copytree(first.workplace.settings.home / "store", home / "store")
    published = []
    report, _ = run(
        home,
        shapes_dir,
        listener=ReviewListener(on_published=published.append),
        # The same network and segments, in which other concepts are found and more of them shown.
        concept_graph__clusters__n_clusters="5",
        concept_graph__graph__n_concepts="3",
        concept_graph__carry_over__min_similarity="0.01",
    )
    assert {edit["class_name"] for edit in first.report["edits"]}
    told = {one.class_name: one for one in read_evidence(published[0]).classes}
    carried = [item for one in told.values() for item in one.carried]
    said = [item for one in told.values() for item in (*one.carried, *one.lost)]
    assert {item.request_id for item in said} == {first.report["request"]}
    shared = [edit for edit in first.report["edits"] if edit["class_name"] in told]
    assert len(said) == len(shared)
    # What people said is not merely reported as lost: it is proposed, for slots that are shown.
    assert carried
    for item in carried:
        assert item.op.op == "remove_edge"
        assert {item.op.src, item.op.dst} <= {0, 1, 2}
        assert 0.01 <= item.similarity <= 1.0001
    assert all(one.why for shown in told.values() for one in shown.lost)
    assert all("removed" not in {edge.state for edge in one.edges} for one in told.values())
    # How alike concepts must be is no part of any stage's key but the last one's.
    assert "carry_over_edits" in computed(report)
