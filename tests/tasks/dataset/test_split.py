import pytest
import torch

from tasks.dataset.split import carve_validation, split_names


def test_every_class_gives_its_share_and_no_image_is_in_both():
    labels = torch.tensor([0] * 20 + [1] * 10 + [2] * 2 + [3])
    train, validation = carve_validation(labels, 0.15, seed=0)
    assert torch.equal(torch.cat((train, validation)).sort().values, torch.arange(33))
    counts = torch.bincount(labels[validation], minlength=4)
    assert counts.tolist() == [3, 2, 1, 0]


def test_the_draw_follows_the_seed():
    labels = torch.zeros(50, dtype=torch.int64)
    draws = [carve_validation(labels, 0.2, seed).validation.tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_a_share_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"got 1\.0"):
        carve_validation(torch.zeros(4, dtype=torch.int64), 1.0, 0)


def test_adding_a_name_moves_few_others():
    names = [f"{i}.jpg" for i in range(100)]
    before, after = set(split_names(names, 0.3, 0)), set(split_names([*names, "new.jpg"], 0.3, 0))
    assert len(before) == 30
    assert len(before ^ after) <= 2


def test_a_class_of_two_gives_one_to_each_side_and_of_one_none_to_the_test():
    assert len(split_names(["a", "b"], 0.01, 0)) == 1
    assert split_names(["a"], 0.5, 0) == []
