"""Do pooled clusters find the parts of the objects as well as ACE's per-segment embedding does?

Part of ``python -m benchmarks.mining --quality``: a ResNet-18 is trained on rendered images, the
concepts of some classes are mined with both embeddings behind the same gate, and the clusters are
compared with the parts that the renderer drew.
"""

import logging
from typing import Any

import torch

from benchmarks.report import spread
from models.classifier import Classifier, build_classifier
from models.concept_graph.concepts import mine_concepts
from models.concept_graph.gated_embedding import embed_with_gate
from models.concept_graph.params import ClusterParams, ConceptGraphParams
from models.concept_graph.quality import cluster_quality, majority_parts
from models.concept_graph.segments import segment_images
from models.imageset import ImageSet
from models.params import ClassifierParams, TrainingParams
from models.training import fit
from tasks.demo.images import render_images

logger = logging.getLogger(__name__)

SIZE = 128
N_TRAIN = 40
N_MINED = 30
EPOCHS = 8
MINED_CLASSES = ("type_001", "t_72", "f_15", "mi_24")


def measure_quality(seed: int, device: str) -> dict[str, Any]:
    """Return NMI and purity of both embeddings, per class and over classes."""
    rendered = render_images("train", seed, n_per_class=N_TRAIN, image_size=SIZE, workers=0)
    model, accuracy = _trained(rendered.images, seed, device)
    logger.info("training accuracy %.2f", accuracy)
    measures: dict[str, dict[str, dict[str, float]]] = {"pooled": {}, "patch": {}}
    for name in MINED_CLASSES:
        class_id = rendered.images.classes.index(name)
        rows = (rendered.images.labels == class_id).nonzero().flatten()[:N_MINED]
        images, parts = rendered.images.images[rows], rendered.parts[rows]
        params = ConceptGraphParams()
        segments = segment_images(images, params.segments)
        truth = majority_parts(parts, segments)
        classes = torch.full((len(rows),), class_id)
        for embedding in ("pooled", "patch"):
            clusters = ClusterParams(embedding=embedding)  # type: ignore[arg-type]
            seen = embed_with_gate(model, images, classes, segments, params.gate, clusters)
            mined = mine_concepts(
                class_id, name, segments, seen.embeddings.cpu(), seen.gate_coverage.cpu(),
                params, seed,
            )  # fmt: skip
            all_gated = cluster_quality(mined.members, truth)
            on_object = cluster_quality(mined.members.where(truth > 0, -1), truth)
            measures[embedding][name] = {
                "nmi": all_gated.nmi,
                "purity": all_gated.purity,
                "nmi_parts_only": on_object.nmi,
                "purity_parts_only": on_object.purity,
            }
            logger.info("%s %s %s", name, embedding, measures[embedding][name])
    summary = {
        embedding: {
            measure: spread([values[measure] for values in found.values()])
            for measure in ("nmi", "purity", "nmi_parts_only", "purity_parts_only")
        }
        for embedding, found in measures.items()
    }
    return {"training_accuracy": accuracy, "classes": measures, "over_classes": summary}


def _trained(images: ImageSet, seed: int, device: str) -> tuple[Classifier, float]:
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.5), 12, seed=seed)
    model = model.to(device)
    params = TrainingParams(image_size=SIZE, epochs=EPOCHS)
    labels = images.labels.to(device)
    correct = torch.zeros(len(labels), dtype=torch.bool, device=device)

    def loss(logits: torch.Tensor, index: torch.Tensor) -> dict[str, torch.Tensor]:
        own = labels[index.to(device)]
        correct[index.to(device)] = logits.argmax(1) == own
        return {"loss": torch.nn.functional.cross_entropy(logits.float(), own)}

    for state in fit(model, images, loss, params=params, seed=seed):
        logger.info("epoch %d: %.3f", state.epoch, float(correct.float().mean()))
    return model.eval(), float(correct.float().mean())
