"""All that mining needs from the network, with one forward and one backward per image.

Shape legend: B images · D features · S segments.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models.attribution import cell_gradients, gate_mask, grad_cam_of
from models.classifier import Classifier, evaluating, to_float
from models.concept_graph.embedding import images_per_forward, normalised, pooled_embedding
from models.concept_graph.params import ClusterParams, GateParams
from models.concept_graph.segments import SegmentSet
from models.precision import forward_precision


class GatedEmbedding(NamedTuple):
    """Segments and images as the network sees them, on the model's device."""

    embeddings: Tensor
    """Vectors of the segments (S, D), float32."""
    gate_coverage: Tensor
    """Share of each segment inside its image's Grad-CAM gate (S,), [0, 1]."""
    class_gradients: Tensor
    """Spatial mean of d logit_c / d features (B, D), float32: what TCAV differentiates along."""


def embed_with_gate(
    model: Classifier,
    images: Tensor,
    class_index: Tensor,
    segments: SegmentSet,
    gate: GateParams,
    clusters: ClusterParams,
    *,
    batch_size: int | None = None,
    precision: str = "float32",
) -> GatedEmbedding:
    """Embed segments and measure how far each lies inside the Grad-CAM gate of a class.

    Deviates from the paper: the gate is drawn on logits and the same rule serves mining and
    matching; segments are cut from the whole image and then measured against the gate.

    Args:
        model: Classifier, used in evaluation mode.
        images: Pixels (B, 3, H, W), uint8, on any device.
        class_index: Class c whose Grad-CAM gates each image (B,), int64.
        segments: S segments of these images.
        gate: Share of the pixels that the gate keeps; the coverage is measured whether it is
            enabled or not.
        clusters: Which embedding, and whether to L2-normalise it.
        batch_size: Images per forward; None takes as many as pay on the model's device.
        precision: ``auto`` or ``bfloat16`` let a GPU compute features in bfloat16; gradients, gate
            and pooling are float32.

    Returns:
        Embeddings, coverage and gradients.
    """
    device = next(model.parameters()).device
    embeddings: list[Tensor] = []
    coverage: list[Tensor] = []
    gradients: list[Tensor] = []
    size = (images.shape[2], images.shape[3])
    for index in torch.split(torch.arange(len(images)), batch_size or images_per_forward(device)):
        with torch.no_grad(), evaluating(model), forward_precision(device, precision):
            features = model.trunk(to_float(images[index].to(device)))
        features = features.float()
        own = segments.of_images(index.to(segments.image_index.device)).to(device)
        classes = class_index[index.to(class_index.device)].to(device)
        cells = cell_gradients(model, features, classes)
        mask = gate_mask(grad_cam_of(features, cells), size, gate.keep_share)
        coverage.append(own.coverage(mask))
        gradients.append(cells.float().mean(dim=(2, 3)))
        if clusters.embedding == "pooled":
            embeddings.append(pooled_embedding(features, own))
    if clusters.embedding == "patch":
        from models.concept_graph.reference_embedding import embed_cut_outs

        embeddings = [embed_cut_outs(model, images, segments, precision=precision)]
    return GatedEmbedding(
        embeddings=normalised(torch.cat(embeddings), clusters),
        gate_coverage=torch.cat(coverage),
        class_gradients=torch.cat(gradients),
    )
