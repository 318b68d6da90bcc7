import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from models.distillation import (
    balance_weights,
    combine_teachers,
    edited_share,
    hard_label_loss,
    self_training_loss,
    soften,
    two_teacher_loss,
)
from models.params import DistillationParams

PARAMS = DistillationParams(
    alpha=0.7, beta=0.3, temperature_student=2.0, temperature_classifier=2.0, scale_t2=True
)


def random_teachers(n_classes=30, class_ids=(4, 7, 21), n_images=64):
    generator = torch.Generator().manual_seed(3)
    v1 = torch.randn(n_images, len(class_ids), generator=generator)
    v2 = torch.randn(n_images, n_classes, generator=generator)
    return v1, v2, class_ids


def paper_as_printed(v1, v2, class_ids, t1, t2):
    """Eq. 7 with Eq. 11 as printed: P sums teacher 1."""
    p1, p2 = torch.softmax(v1 / t1, 1), torch.softmax(v2 / t2, 1)
    combined = p2.clone()
    combined[:, list(class_ids)] = p1 * p1.sum(1, keepdim=True)
    return combined


def test_combined_teacher_by_hand():
    # p2 = (1, 2, 3, 4) / 10, S_p = {3, 1}, P = 0.4 + 0.2 = 0.6, p1 = (3, 1) / 4.
    combined = combine_teachers(
        reasoner_logits=torch.tensor([[3.0, 1.0]]).log(),
        classifier_logits=torch.tensor([[1.0, 2.0, 3.0, 4.0]]).log(),
        class_ids=(3, 1),
        t1=1,
        t2=1,
    )
    assert torch.allclose(combined, torch.tensor([[0.1, 0.15, 0.3, 0.45]]))


def test_share_of_the_edited_classes_by_hand():
    v2 = torch.tensor([[1.0, 2.0, 3.0, 4.0]]).log()
    assert edited_share(v2, (3, 1), t2=1).item() == pytest.approx(0.6)


def test_combined_rows_sum_to_one_where_the_paper_as_printed_gives_nearly_two():
    v1, v2, ids = random_teachers()
    combined = combine_teachers(reasoner_logits=v1, classifier_logits=v2, class_ids=ids, t1=1, t2=1)
    assert torch.allclose(combined.sum(1), torch.ones(len(v1)), atol=1e-6)
    assert paper_as_printed(v1, v2, ids, 1, 1).sum(1).min() > 1.5


def test_classes_that_were_not_edited_keep_the_classifier_s_probability():
    v1, v2, ids = random_teachers()
    combined = combine_teachers(reasoner_logits=v1, classifier_logits=v2, class_ids=ids, t1=3, t2=3)
    kept = [c for c in range(30) if c not in ids]
    p2 = torch.softmax(v2 / 3, 1)
    assert torch.equal(combined[:, kept], p2[:, kept])
    assert torch.allclose(combined[:, list(ids)].sum(1), p2[:, list(ids)].sum(1))


def test_when_all_classes_are_edited_only_the_reasoner_speaks():
    v1, v2, _ = random_teachers(n_classes=3, class_ids=(0, 1, 2))
    combined = combine_teachers(
        reasoner_logits=v1, classifier_logits=v2, class_ids=(0, 1, 2), t1=2, t2=5
    )
    assert torch.allclose(combined, torch.softmax(v1 / 2, 1), atol=1e-6)


def test_infinitely_warm_teachers_are_uniform():
    v1, v2, ids = random_teachers()
    combined = combine_teachers(
        reasoner_logits=v1, classifier_logits=v2, class_ids=ids, t1=1e7, t2=1e7
    )
    assert torch.allclose(combined, torch.full_like(combined, 1 / 30), atol=1e-5)


def test_unmatched_images_keep_the_classifier_even_when_the_reasoner_is_nonsense():
    v1, v2, ids = random_teachers(n_images=4)
    v1[1] = float("nan")
    matched = torch.tensor([True, False, True, True])
    combined = combine_teachers(
        reasoner_logits=v1, classifier_logits=v2, class_ids=ids, t1=3, t2=3, matched=matched
    )
    assert torch.equal(combined[1], soften(v2, 3)[1])
    assert torch.isfinite(combined).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.floats(0.3, 10), st.floats(0.3, 10), st.integers(0, 99))
def test_combined_rows_are_distributions_for_any_group_and_temperature(n, t1, t2, seed):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randperm(6, generator=generator)[:n].tolist()
    v1 = 5 * torch.randn(8, n, generator=generator)
    v2 = 5 * torch.randn(8, 6, generator=generator)
    combined = combine_teachers(
        reasoner_logits=v1, classifier_logits=v2, class_ids=ids, t1=t1, t2=t2
    )
    assert (combined >= 0).all()
    assert torch.allclose(combined.sum(1), torch.ones(8), atol=1e-5)


@pytest.mark.parametrize("ids", [(0, 0), (0, 9), (-1, 0), ()])
def test_class_ids_that_do_not_name_distinct_classes_are_refused(ids):
    with pytest.raises(ValueError, match="distinct class ids"):
        combine_teachers(
            reasoner_logits=torch.zeros(2, len(ids)),
            classifier_logits=torch.zeros(2, 5),
            class_ids=ids,
            t1=1,
            t2=1,
        )


def test_two_teacher_loss_matches_the_equation_written_out():
    targets = torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.2, 0.6], [1 / 3, 1 / 3, 1 / 3]])
    labels = torch.tensor([0, 2, -1])
    z = torch.tensor([[1.0, 0.0, -1.0], [0.5, 0.1, 0.3], [2.0, 0.0, 0.0]], requires_grad=True)
    index = torch.tensor([2, 0, 1])  # the batch is in another order than the images
    soft = hard = 0.0
    for row, image in enumerate(index.tolist()):
        q = torch.softmax(z[row].detach() / 2, 0)
        soft -= float((targets[image] * q.log()).sum()) * 4 / 3
        if labels[image] >= 0:
            hard -= float(torch.log_softmax(z[row].detach(), 0)[labels[image]]) / 3
    terms = two_teacher_loss(targets, labels, PARAMS)(z, index)
    assert terms["soft"].item() == pytest.approx(soft, rel=1e-5)
    assert terms["hard"].item() == pytest.approx(hard, rel=1e-5)
    assert terms["loss"].item() == pytest.approx(0.7 * soft + 0.3 * hard, rel=1e-5)
    terms["loss"].backward()
    assert torch.isfinite(z.grad).all()


def test_a_batch_of_the_pool_alone_has_no_hard_term():
    targets = torch.full((2, 3), 1 / 3)
    terms = two_teacher_loss(targets, torch.tensor([-1, -1]), PARAMS)(
        torch.zeros(2, 3), torch.tensor([0, 1])
    )
    assert terms["hard"].item() == 0
    assert terms["soft"].item() == pytest.approx(4 * math.log(3), rel=1e-6)


def test_scaling_by_the_squared_temperature_keeps_the_gradient_s_size():
    # For small logits the gradient of T^2 CE(p, z / T) tends to z / N whatever T (Hinton et al.
    # 2015, section 2.1).
    norms = []
    for temperature in (5.0, 50.0):
        params = DistillationParams(temperature_student=temperature, alpha=1, beta=0)
        z = torch.tensor([[0.1, -0.2, 0.1]], requires_grad=True)
        targets = soften(torch.tensor([[0.3, 0.0, -0.3]]), temperature)
        two_teacher_loss(targets, torch.tensor([-1]), params)(z, torch.tensor([0]))[
            "loss"
        ].backward()
        norms.append(z.grad.norm().item())
    assert norms[0] == pytest.approx(norms[1], rel=0.05)


def test_self_training_is_at_its_minimum_when_the_student_repeats_the_original_network():
    logits = torch.tensor([[2.0, -1.0, 0.0], [0.0, 1.0, 3.0]])
    z = logits.clone().requires_grad_()
    loss = self_training_loss(logits, torch.tensor([-1, -1]), PARAMS)
    loss(z, torch.tensor([0, 1]))["loss"].backward()
    assert z.grad.abs().max().item() == pytest.approx(0, abs=1e-6)


def test_hard_label_loss_is_plain_cross_entropy():
    z, labels = torch.tensor([[1.0, 0.0], [0.3, 0.9]]), torch.tensor([1, 1])
    terms = hard_label_loss(labels)(z, torch.tensor([0, 1]))
    assert torch.allclose(terms["loss"], F.cross_entropy(z, labels))
    assert terms["soft"].item() == 0


def test_balance_makes_every_class_count_the_same_and_leaves_the_pool_alone():
    labels = torch.tensor([0, 0, 0, 2, -1])  # class 1 has no image
    weights = balance_weights(labels)
    assert torch.allclose(weights, torch.tensor([2 / 3, 2 / 3, 2 / 3, 2.0, 1.0]))
    assert torch.equal(balance_weights(labels, balance=False), torch.ones(5))


def test_logits_passed_as_targets_are_refused():
    with pytest.raises(ValueError, match="sum to 1"):
        two_teacher_loss(torch.randn(4, 3), torch.zeros(4, dtype=torch.int64), PARAMS)
