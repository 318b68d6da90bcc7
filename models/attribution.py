"""Where a class score comes from: Grad-CAM, the gate made of it, gradients per feature cell.

B batch · D features · h,w feature cells · H,W pixels · N classes. Features are passed in, so that
one trunk forward serves every method; upsampling is a separate call.
"""

import torch
from torch import Tensor
from torch.nn import functional

from models.classifier import Classifier, evaluating


def cell_gradients(model: Classifier, features: Tensor, class_index: Tensor) -> Tensor:
    """Differentiate each image's class logit with respect to the concept layer's features.

    ``d logit_c / d f[d, y, x]``, in evaluation mode; TCAV's directional derivatives are products
    with these.

    Args:
        model: The network whose head is differentiated; its parameters' gradients stay untouched.
        features: Concept-layer features (B, D, h, w).
        class_index: Class c of each image (B,), int64.

    Returns:
        Gradients (B, D, h, w).

    Raises:
        ValueError: If there is not one class per image.
    """
    if class_index.shape != features.shape[:1]:
        raise ValueError(
            f"expected one class per image "
            f"(got {tuple(class_index.shape)} for {len(features)} images)"
        )
    with evaluating(model), torch.enable_grad():
        cells = features.detach().requires_grad_()
        logits = model.head(cells)
        # Images do not interact in evaluation mode, so one backward of the sum gives every image's
        # own gradient.
        chosen = logits.gather(1, class_index.to(logits.device)[:, None]).sum()
        (gradients,) = torch.autograd.grad(chosen, cells)
    return gradients


def grad_cam(model: Classifier, features: Tensor, class_index: Tensor) -> Tensor:
    """Map how much each feature cell speaks for a class.

    Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391), Eq. (1) and (2): ``alpha_d = 1/Z sum_yx d
    y_c / d A_d[y, x]``, ``L = ReLU(sum_d alpha_d A_d)``, with y_c the logit.

    Deviates from the paper: each map is divided by its maximum.

    Args:
        model: The network whose head is differentiated.
        features: Concept-layer features A (B, D, h, w).
        class_index: Class c of each image (B,), int64.

    Returns:
        Attribution (B, h, w) in [0, 1]; all zero for an image on which no cell speaks for the
        class.

    Raises:
        ValueError: If there is not one class per image.
    """
    return grad_cam_of(features, cell_gradients(model, features, class_index))


def grad_cam_of(features: Tensor, gradients: Tensor) -> Tensor:
    """Map features (B, D, h, w) and their gradients to Grad-CAM (B, h, w), as ``grad_cam`` does.

    For callers that need the gradients too and would otherwise pay for the backward twice.
    """
    alpha = gradients.mean(dim=(2, 3))  # (B, D)
    attribution = torch.einsum("bd,bdyx->byx", alpha, features.detach()).relu()
    largest = attribution.amax(dim=(1, 2), keepdim=True)
    return torch.where(largest > 0, attribution / largest.where(largest > 0, 1), 0)


def gate_mask(attribution: Tensor, size: tuple[int, int], keep_share: float) -> Tensor:
    """Keep the share of an image's pixels with the highest attribution.

    Pixels without any attribution are never kept, so fewer pixels may remain; ties at the border
    are kept. An image whose map is zero everywhere is not gated.

    Args:
        attribution: Maps (B, h, w), at least 0.
        size: Height and width of the image, pixels.
        keep_share: Share of the pixels to keep, (0, 1]; 1 keeps everything.

    Returns:
        Mask (B, H, W), bool.

    Raises:
        ValueError: If the share lies outside (0, 1].
    """
    if not 0 < keep_share <= 1:
        raise ValueError(f"expected keep_share in (0, 1] (got {keep_share})")
    if keep_share == 1:
        return attribution.new_ones((len(attribution), *size), dtype=torch.bool)
    pixels = functional.interpolate(
        attribution[:, None].float(), size=size, mode="bilinear", align_corners=False
    )[:, 0]
    flat = pixels.flatten(1)
    n_kept = max(1, round(keep_share * flat.shape[1]))
    threshold = flat.kthvalue(flat.shape[1] - n_kept + 1, dim=1).values[:, None, None]
    is_empty = (attribution <= 0).flatten(1).all(dim=1)[:, None, None]
    return ((pixels >= threshold) & (pixels > 0)) | is_empty
