"""What kept exemplars are to a network: its features pooled under them, inside their images.

Shape legend: B images · M concepts · E exemplars · D features · h,w feature cells · S side, pixels.
"""

import torch
from torch import Tensor

from models.classifier import Classifier, evaluating, to_float
from models.concept_graph.embedding import pooled_embedding
from models.concept_graph.exemplars import Exemplars, resized
from models.concept_graph.segment_set import SegmentSet
from models.precision import forward_precision


def embed_exemplars(
    model: Classifier,
    exemplars: Exemplars,
    size: int,
    *,
    batch_size: int = 8,
    precision: str = "float32",
) -> Tensor:
    """Give every concept the mean feature of its exemplars in the concept layer of a network.

    One forward per image, enlarged to the network's input, serves all exemplars in it.

    Args:
        model: Classifier; used in evaluation mode, without gradient.
        exemplars: E exemplars of M concepts in B images.
        size: Side of the network's input, pixels.
        batch_size: Images per forward.
        precision: ``auto`` or ``bfloat16`` let a GPU compute features in bfloat16.

    Returns:
        Features (M, D), float32, on the CPU, in the order of ``exemplars.concept_ids``.

    Raises:
        ValueError: If there is no exemplar.
    """
    if not len(exemplars.owner):
        raise ValueError("expected exemplars of at least one concept (got none)")
    device = next(model.parameters()).device
    rows, parts = [], []
    for images in torch.split(torch.arange(len(exemplars.images)), batch_size):
        with torch.no_grad(), evaluating(model), forward_precision(device, precision):
            pixels = resized(to_float(exemplars.images[images]), size)
            features = model.trunk(pixels.to(device))  # (b, D, h, w)
        here = torch.isin(exemplars.image_of, images).nonzero().flatten()
        own = features[(exemplars.image_of[here] - images[0]).to(device)]
        parts.append(pool_under(own, exemplars.masks[here]).cpu())
        rows.append(here)
    embeddings = torch.cat(parts)
    owner = exemplars.owner[torch.cat(rows)]
    summed = embeddings.new_zeros(len(exemplars.concept_ids), embeddings.shape[1])
    summed.index_add_(0, owner, embeddings)
    return summed / torch.bincount(owner, minlength=len(summed))[:, None]


def pool_under(features: Tensor, masks: Tensor) -> Tensor:
    """Average every feature map under its own mask, as ``pooled_embedding`` does with segments.

    Args:
        features: Concept-layer features (E, D, h, w).
        masks: One mask per feature map (E, S, S), bool, none empty.

    Returns:
        Embeddings (E, D), float32, on the features' device.
    """
    # Whole pixels more, so that no cell is smaller than a pixel; it changes no weight.
    times = -(-max(features.shape[2:]) // masks.shape[1])
    masks = masks.repeat_interleave(times, dim=1).repeat_interleave(times, dim=2)
    n = len(masks)
    alone = SegmentSet(
        label_maps=masks[:, None].to(torch.uint8),
        image_index=torch.arange(n),
        level=torch.zeros(n, dtype=torch.int64),
        label=torch.ones(n, dtype=torch.int64),
        area=masks.float().mean(dim=(1, 2)),
        # Pooling asks for neither.
        centroid=torch.full((n, 2), 0.5),
        box=torch.tensor([0, 0, masks.shape[2], masks.shape[1]]).repeat(n, 1),
    )
    return pooled_embedding(features, alone)
