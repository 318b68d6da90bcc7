"""The input-gradient regulariser: what a network owes for looking where it should not.

B batch · R reviewed images · C channels · H,W pixels · N classes. Serrano e Silva et al. 2023,
Algorithm 1, line 6, and Ross et al. 2017 (arXiv:1703.03717), Eq. 1.
"""

import torch
from torch import Tensor, nn

from models.classifier import evaluating, is_normalised_by_batch, logits_of, normalising_by_batch
from models.saliency_grid.erasing import difference_penalty, recolour_marked
from models.saliency_grid.params import GradientForm, PenaltyParams, PenaltyScalar


def input_gradient_penalty(
    scores: Tensor, images: Tensor, weights: Tensor, form: GradientForm
) -> Tensor:
    """Penalise each image for the gradient of its score on the pixels that were marked.

    With ``g = d s / d x`` and ``W`` the reviewers' weights, one number per image::

        linear    b( sum_ij W_ij 1/C sum_c g_cij )      Serrano e Silva et al., Algorithm 1, line 6
        squared   sum_ij sum_c (W+_ij g_cij)^2          Ross et al., Eq. 1
        abs       sum_ij sum_c |W+_ij g_cij|

    ``W+ = max(W, 0)``, and ``b(z) = z`` for z > 0 and ``tanh(z)`` below. Sums run over pixels and
    are not divided by how many are marked: what one marked cell costs does not depend on the
    others. Lambda makes up for the size of the image.

    Deviates from the paper: ``preds`` is a vector there, and the sum of its softmax has no gradient
    at all, so a scalar per image is differentiated (``score_of``). Its linear form is unbounded
    below: a gradient made ever more negative on marked pixels would lower the loss without end, so
    what is gained is bounded by 1 (the scores' unit). What is owed is not bounded: a ``tanh`` on
    both sides would let go of the images that are worst. The linear form does not ask for no
    gradient but for a negative one; the squared form (Ross et al.) is the default. Weights below 0,
    for what should matter, act in the linear form alone: squared, they would forbid too.

    Args:
        scores: One score s per image (R,), computed from ``images``.
        images: x (R, C, H, W) with ``requires_grad``.
        weights: W (R, H, W) in [-1, 1]; 1 is "must not matter", -1 "should matter", 0 nothing said.
        form: ``linear``, ``squared`` or ``abs``.

    Returns:
        Penalties (R,), at least float32, differentiable in the network's parameters; 0 for an
        image without weights, at least 0 but for the linear form, which is above -1.

    Raises:
        ValueError: If shapes do not fit together.
    """
    if scores.shape != images.shape[:1] or weights.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            "expected scores (R,), images (R, C, H, W) and weights (R, H, W) (got "
            f"{tuple(scores.shape)}, {tuple(images.shape)} and {tuple(weights.shape)})"
        )
    # The gradient keeps its own graph, so that the penalty can be differentiated once more.
    (gradients,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    gradients = _precise(gradients)
    weights = weights.to(gradients)
    if form == "linear":
        owed = (weights * gradients.mean(dim=1)).sum(dim=(1, 2))
        return torch.where(owed > 0, owed, owed.tanh())
    marked = weights.clamp_min(0)[:, None] * gradients
    terms = marked.square() if form == "squared" else marked.abs()
    return terms.sum(dim=(1, 2, 3))


def score_of(logits: Tensor, scalar: PenaltyScalar, labels: Tensor | None = None) -> Tensor:
    """Reduce logits to the one number per image that is differentiated.

    ``log_probs`` is ``sum_c log p_c`` (Ross et al.), the others one class's logit z, its
    log-probability, or its margin ``z_c - 1/N sum_k z_k``. A sum of probabilities is not offered:
    it is 1 whatever the image.

    None is without a hole: the sum of log-probabilities has no gradient where all classes are
    equally likely, a log-probability where its class is certain, and a logit can be kept still
    while all others move. Measured on a cue that decides alone in training, the sum turned networks
    away from it best; margin and logit came next, and a log-probability hardly did.

    Args:
        logits: Logits (R, N).
        scalar: Which number.
        labels: Class indices (R,), int64; needed for the scalars of the true class.

    Returns:
        Scores (R,), attached to the logits.

    Raises:
        ValueError: If labels are missing or out of range.
    """
    logits = _precise(logits)
    if scalar == "log_probs":
        return torch.log_softmax(logits, dim=1).sum(dim=1)
    if scalar.endswith("log_prob"):
        values = torch.log_softmax(logits, dim=1)
    else:
        margin = scalar.endswith("margin")
        values = logits - logits.mean(dim=1, keepdim=True) if margin else logits
    if scalar.startswith("predicted"):
        chosen = logits.detach().argmax(dim=1)
    elif labels is None or labels.shape != logits.shape[:1] or int(labels.min()) < 0:
        raise ValueError(f"expected a label for every image with the scalar {scalar!r}")
    else:
        chosen = labels.to(logits.device)
    return values.gather(1, chosen[:, None])[:, 0]


def chosen_scalar(params: PenaltyParams) -> PenaltyScalar:
    """Return what is differentiated; see ``PenaltyParams.scalar``."""
    if params.scalar != "auto":
        return params.scalar
    return "predicted_logit" if params.form == "linear" else "log_probs"


def reviewed_penalties(
    model: nn.Module,
    images: Tensor,
    weights: Tensor,
    params: PenaltyParams,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Penalise the images of a batch that somebody marked; the others are not even looked at.

    Marked images take a forward pass of their own, without dropout. A network in training
    normalises them by their own statistics, as it does its batches. With statistics that are held
    still, all weights could be shrunk to owe less, and the network in use would no longer be the
    one that is trained: measured, decision 0026. So what one image owes depends on the others: by
    the statistics, and by their scores, which its pixels move too. All scores of the batch are
    differentiated together, those of unmarked images as well, so that an image owes the same
    whichever of the others are marked. A network that normalises by the batch is given as many
    other images of the batch as ``max_per_batch`` leaves room for, which owe nothing: the
    statistics of few images are wild, and what is owed with them up to a thousand times as large.
    Only the single image of a batch of one is normalised by the statistics learned so far. Modes
    and statistics are as they were afterwards. Of more than ``max_per_batch`` the first are taken,
    which in batches of a random order is a fair draw.

    Args:
        model: Network of RGB images in [0, 1] whose output has ``logits`` (B, N), or is logits.
        images: x (B, C, H, W), float32 in [0, 1], as augmented.
        weights: W (B, H, W), augmented alike; all zero for an image that nobody marked.
        params: Form, scalar and ``max_per_batch``.
        labels: Class indices (B,), int64; see ``score_of``.
        generator: For the form that replaces marked pixels; see ``recolour_marked``.

    Returns:
        Penalties (R,), see ``input_gradient_penalty`` and ``difference_penalty``, and positions of
        these images in the batch (R,), int64; both empty when nobody marked any.
    """
    # Only what a form acts on costs anything.
    acting = weights if params.form == "linear" else weights.clamp_min(0)
    is_acting = (acting != 0).flatten(1).any(dim=1)
    most = params.most_of(len(images), is_partly_frozen=getattr(model, "n_frozen", 0) > 0)
    index = is_acting.nonzero().flatten()[:most]
    n_reviewed = len(index)
    if n_reviewed == 0:
        return images.new_zeros(0), index
    seen = index
    if is_normalised_by_batch(model):
        others = (~is_acting).nonzero().flatten()[: max(0, most - n_reviewed)]
        seen = torch.cat([index, others])
    inputs = _precise(images[seen.to(images.device)].detach())
    marked = weights[index.to(weights.device)]
    own = None if labels is None else labels[seen.to(labels.device)]
    # Statistics of a single image are no statistics, and undefined where a layer has one cell.
    mode = normalising_by_batch if len(seen) > 1 else evaluating
    with torch.enable_grad(), mode(model):
        if params.form == "difference":
            erased = recolour_marked(inputs[:n_reviewed], marked, generator)
            both = torch.cat([inputs, erased, inputs[n_reviewed:]])
            logits = [half[:n_reviewed] for half in _precise(logits_of(model, both)).chunk(2)]
            return difference_penalty(*logits), index
        inputs.requires_grad_()
        scores = score_of(logits_of(model, inputs), chosen_scalar(params), own)
        unmarked = marked.new_zeros(len(seen) - n_reviewed, *marked.shape[1:])
        owed = input_gradient_penalty(scores, inputs, torch.cat([marked, unmarked]), params.form)
        return owed[:n_reviewed], index


def _precise(values: Tensor) -> Tensor:
    """Return values in float32 at least: squares of small gradients vanish in less."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
