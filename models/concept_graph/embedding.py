"""Feature vectors of segments: masked pooling of one forward per image, or ACE's forward each.

Shape legend: B images · D features · h,w feature cells · S segments.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from models.classifier import Classifier, evaluating, to_float
from models.concept_graph.params import ClusterParams
from models.concept_graph.segments import SegmentSet, cell_weights
from models.precision import forward_precision


def embed_segments(
    model: Classifier,
    images: Tensor,
    segments: SegmentSet,
    params: ClusterParams,
    *,
    batch_size: int | None = None,
    precision: str = "float32",
) -> Tensor:
    """Give every segment a vector in the feature space of the concept layer.

    Deviates from the paper: by default one forward per image serves all its segments
    (``params.embedding`` = "pooled"); "patch" is ACE's own form. The two are not equivalent,
    because receptive fields carry context into pooled features; pooled wants the foreground gate
    on.

    Args:
        model: Classifier; used in evaluation mode, without gradient.
        images: Pixels (B, 3, H, W), uint8, on any device.
        segments: S segments of these images.
        params: Which embedding, and whether to L2-normalise it.
        batch_size: Images (pooled) or segments (patch) per forward; None takes as many as pay on
            the model's device.
        precision: ``auto`` or ``bfloat16`` let a GPU compute features in bfloat16.

    Returns:
        Embeddings (S, D), float32, on the model's device.
    """
    if params.embedding == "patch":
        from models.concept_graph.reference_embedding import embed_cut_outs

        embeddings = embed_cut_outs(
            model, images, segments, batch_size=batch_size or 100, precision=precision
        )
    else:
        device = next(model.parameters()).device
        parts = []
        n_each = batch_size or images_per_forward(device)
        for index in torch.split(torch.arange(len(images)), n_each):
            with torch.no_grad(), evaluating(model), forward_precision(device, precision):
                features = model.trunk(to_float(images[index].to(device)))  # (b, D, h, w)
            own = segments.of_images(index.to(segments.image_index.device)).to(device)
            parts.append(pooled_embedding(features, own))
        embeddings = torch.cat(parts)
    return normalised(embeddings, params)


def images_per_forward(device: torch.device) -> int:
    """Return how many images to send through a network at once: few fit a CPU's caches."""
    return 8 if device.type == "cpu" else 64


def pooled_embedding(features: Tensor, segments: SegmentSet) -> Tensor:
    """Average a feature map under each segment's area-downsampled mask.

    ``embedding[s] = sum_cell weight[s, cell] * features[image(s), :, cell]``.

    Args:
        features: Concept-layer features (B, D, h, w).
        segments: S segments of the same B images.

    Returns:
        Embeddings (S, D), float32, on the features' device.

    Raises:
        ValueError: If there is not one feature map per image.
    """
    if len(features) != segments.n_images:
        raise ValueError(
            f"expected one feature map per image, {segments.n_images} (got {len(features)}); "
            "take segments.of_images(...) of the batch first"
        )
    weights = cell_weights(segments, *features.shape[2:]).to(features.device)  # (S, h*w)
    image = segments.image_index.to(features.device)
    counts = torch.bincount(image, minlength=len(features))
    position = torch.arange(len(image), device=image.device) - (counts.cumsum(0) - counts)[image]
    # One padded batch product: segments of an image are at most a few more than those of another.
    padded = weights.new_zeros(
        len(features), int(counts.max()) if len(image) else 0, weights.shape[1]
    )
    padded[image, position] = weights
    pooled = torch.bmm(padded, features.float().flatten(2).transpose(1, 2))  # (B, Smax, D)
    return pooled[image, position]


def normalised(embeddings: Tensor, params: ClusterParams) -> Tensor:
    """Return the embeddings (S, D) scaled to unit length where the parameters ask for it."""
    return F.normalize(embeddings, dim=1) if params.normalise else embeddings
