import pytest

from tasks.channels.concept_graph.reporting import describe_teachers
from tasks.stage import StageResult


def corrected(unmodified, edited, *, edits=3, classifier=0.75):
    """Make the stages of a correction whose teachers are right on these shares of 40 images."""

    def stage(name, **facts):
        return StageResult(name=name, key=name, outputs={}, facts=facts, seconds=0.0)

    asked = {} if classifier is None else {"classifier_validation_accuracy": classifier}
    teachers = {"unmodified_graph": unmodified, "edited_graph": edited}
    return {
        "graphs.edited_graph": stage("edit_graphs", edits=edits),
        **{
            f"teacher.{arm}": stage(
                "fit_teacher", validation_accuracy=accuracy, validation_images=40, **asked
            )
            for arm, accuracy in teachers.items()
        },
    }


def test_classifier_and_both_teachers_are_told_with_the_number_of_images():
    told = describe_teachers(corrected(0.6, 0.8))["teachers"]
    assert [(row["accuracy"], row["images"]) for row in told] == [(0.75, 40), (0.6, 40), (0.8, 40)]


@pytest.mark.parametrize(("edited", "warned"), [(0.65, False), (0.6, True), (0.55, True)])
def test_an_edited_reasoner_that_is_no_better_is_warned_of(edited, warned):
    warnings = describe_teachers(corrected(0.6, edited))["warnings"]
    assert len(warnings) == warned
    assert all(f"({edited:.1%} against 60.0%)" in text for text in warnings)


def test_an_approval_without_edits_has_nothing_to_be_better_by():
    assert describe_teachers(corrected(0.6, 0.6, edits=0))["warnings"] == []


def test_a_teacher_of_an_earlier_version_is_told_without_the_classifier():
    told = describe_teachers(corrected(0.6, 0.8, classifier=None))["teachers"]
    assert [row["accuracy"] for row in told] == [0.6, 0.8]
