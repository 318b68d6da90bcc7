"""One progress for subjects at the same time."""

import pytest

from tasks.progress import JointProgress, Progress


@pytest.fixture
def told():
    return []


@pytest.fixture
def joint(told):
    with Progress("distil", (told.append,)) as progress:
        told.clear()
        yield JointProgress(progress, 4)


def said(told):
    return [(event.done, event.total, event.detail) for event in told]


def test_those_under_way_count_by_their_shares(joint, told):
    first, second = (Progress("distil", (joint.listener(name),)) for name in "ab")
    with first, second:
        first(1, 4, "loss 0.5")
        second(2, 4)
        first(4, 4)
    joint.finished("a")
    joint.finished("b")
    assert said(told) == [
        (0.25, 4, "a: loss 0.5"),
        (0.75, 4, "b"),
        (1.5, 4, "a"),
        (1.5, 4, "a"),
        (2.0, 4, "b"),
    ]


def test_a_share_that_is_told_late_takes_nothing_back(joint, told):
    late = Progress("distil", (joint.listener("a"),))
    joint.finished("a")
    late(1, 4)
    assert [event.done for event in told] == [1.0, 1.0]


def test_a_subject_that_only_waits_says_so(joint, told):
    Progress("distil", (joint.listener("a"),))(0, 0, "the GPU is taken by another task; waiting")
    assert said(told) == [(0.0, 4, "a: the GPU is taken by another task; waiting")]
