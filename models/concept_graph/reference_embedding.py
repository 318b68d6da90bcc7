"""ACE's per-segment embedding (Ghorbani et al. 2019), the reference for the fast one.

Every segment is cut out, resized to the network's input and sent through the network: about seventy
forwards per image. Kept to measure what the pooled embedding gains and loses.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from models.classifier import Classifier, evaluating
from models.concept_graph.segments import SegmentSet
from models.precision import forward_precision

GREY = 117 / 255
"""ACE's ``average_image_value`` outside a segment."""


def embed_cut_outs(
    model: Classifier,
    images: Tensor,
    segments: SegmentSet,
    *,
    batch_size: int = 100,
    precision: str = "float32",
) -> Tensor:
    """Embed each segment alone on grey: cut out, resize to the input, forward, average over space.

    Deviates from ACE's code: the box includes its last row and column, and no empty batch is sent
    to the model.

    Args:
        model: Classifier; used in evaluation mode, without gradient.
        images: Pixels (B, 3, H, W), uint8.
        segments: S segments of these images.
        batch_size: Cut-outs per forward.
        precision: ``auto`` or ``bfloat16`` let a GPU compute in bfloat16.

    Returns:
        Embeddings (S, D), float32, on the model's device.

    Raises:
        ValueError: If there is no segment.
    """
    if len(segments) == 0:
        raise ValueError("expected at least one segment to embed (got none)")
    device = next(model.parameters()).device
    parts = []
    for rows in torch.split(torch.arange(len(segments)), batch_size):
        cut_outs = torch.stack([cut_out(images, segments, row) for row in rows.tolist()])
        with torch.no_grad(), evaluating(model), forward_precision(device, precision):
            features = model.trunk(cut_outs.to(device))
        parts.append(features.float().mean(dim=(2, 3)))
    return torch.cat(parts)


def cut_out(images: Tensor, segments: SegmentSet, row: int) -> Tensor:
    """Return one segment on grey, its box resized to the image's size, (3, H, W) in [0, 1]."""
    x0, y0, x1, y1 = segments.box[row].tolist()
    mask = segments.mask(row)[y0:y1, x0:x1].to(images.device)
    image = images[int(segments.image_index[row]), :, y0:y1, x0:x1].float() / 255
    alone = torch.where(mask, image, GREY)
    size = (images.shape[2], images.shape[3])
    resized = F.interpolate(alone[None], size=size, mode="bicubic", antialias=True)
    # Bicubic interpolation overshoots at the segment's edge.
    return resized[0].clamp(0, 1)
