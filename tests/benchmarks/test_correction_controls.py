import torch

from benchmarks.correction.arms import EDITED, UNMODIFIED, Arm, Teacher, teachers_of
from benchmarks.correction.controls import shuffle_labels


def test_labels_are_dealt_out_anew_among_the_own_images_only():
    targets = torch.tensor([0, -1, 1, 2, -1, 0, 1, 2, 0, 1])
    own = targets >= 0
    dealt = shuffle_labels(targets, own, seed=1)
    assert torch.equal(dealt[~own], targets[~own])
    assert sorted(dealt.tolist()) == sorted(targets.tolist())
    assert not torch.equal(dealt, targets)
    assert torch.equal(dealt, shuffle_labels(targets, own, seed=1))
    assert targets.tolist() == [0, -1, 1, 2, -1, 0, 1, 2, 0, 1]


def test_teachers_are_fitted_once_however_many_arms_they_teach():
    random = Teacher("random", 1)
    arms = [Arm(name, teacher, {}) for name, teacher in (("a", random), ("b", random), ("c", None))]
    assert teachers_of(arms) == [UNMODIFIED, EDITED, random]


def test_teachers_that_differ_have_names_that_differ_but_for_draws():
    teachers = (
        UNMODIFIED,
        EDITED,
        Teacher("unmodified", same_copies=True),
        Teacher("edited", paper=True),
        Teacher("edited", shuffled=True),
        Teacher("random"),
    )
    names = [teacher.name for teacher in teachers]
    assert len(set(names)) == len(names)
    assert Teacher("random", 3).name == Teacher("random", 4).name
