"""From a dataset to a classifier with concepts, class graphs and a reasoner that imitates it.

The product's own stages one after the other, outside a flow.
"""

from typing import NamedTuple

from flows.params import PipelineParams
from models.concept_graph.params import ConceptGraphParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.mining import mine_concepts
from tasks.channels.concept_graph.reasoning import imitate_classifier
from tasks.channels.concept_graph.segmenting import segment_relevant_images
from tasks.classifier import predict, train_classifier
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult
from tasks.weights import weights_digest
from tasks.workplace import Workplace


class Prepared(NamedTuple):
    """What stands before anybody is asked.

    Attributes:
        basis: Dataset, classifier, its predictions and the segments.
        concepts: Concept bank and class graphs.
        reasoner: The imitating reasoner and its image graphs.
    """

    basis: Basis
    concepts: StageResult
    reasoner: StageResult


def prepare(
    workplace: Workplace,
    dataset: DatasetRef,
    params: PipelineParams,
    channel: ConceptGraphParams,
    class_ids: tuple[int, ...],
    seed: int,
) -> Prepared:
    """Train, predict, segment, mine and imitate.

    Args:
        workplace: Where stages run.
        dataset: The images.
        params: All parameters.
        channel: Those of the channel.
        class_ids: Classes under review.
        seed: Seed of the classifier, the concepts and the reasoner.

    Returns:
        The results of the stages.
    """
    classifier = train_classifier.fn(
        workplace,
        dataset=dataset,
        classifier=params.classifier,
        training=params.training,
        weights_sha256=weights_digest(params.classifier.weights),
        seed=seed,
    )
    predictions = predict.fn(
        workplace, dataset=dataset, classifier=classifier, training=params.training
    )
    segmented = segment_relevant_images.fn(
        workplace,
        dataset=dataset,
        predictions=predictions,
        class_ids=class_ids,
        segments=channel.segments,
        training=params.training,
        skip_below=params.distillation.skip_below,
        workers=channel.workers,
    )
    basis = Basis(
        dataset=dataset,
        training=params.training,
        class_ids=class_ids,
        classifier=classifier,
        predictions=predictions,
        segmented=segmented,
    )
    concepts = mine_concepts.fn(workplace, basis=basis, params=channel, seed=seed)
    reasoner = imitate_classifier.fn(
        workplace, basis=basis, concepts=concepts, params=channel, seed=seed
    )
    return Prepared(basis, concepts, reasoner)
