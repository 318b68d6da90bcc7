"""From a dataset to a classifier with concepts, class graphs and a reasoner that imitates it.

The product's own stages one after the other, outside a flow.
"""

from pathlib import Path
from typing import NamedTuple

from flows.params import PipelineParams
from models.concept_graph.params import ConceptGraphParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.mining import (
    choose_concepts,
    embed_segments,
    mine_class,
    mining_params,
)
from tasks.channels.concept_graph.reasoning import imitate_classifier
from tasks.channels.concept_graph.segmenting import segment_relevant_images
from tasks.classifier import predict, train_classifier
from tasks.dataset.opening import open_dataset
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult
from tasks.weights import weights_digest
from tasks.workplace import Workplace


class World(NamedTuple):
    """A dataset and what is asked about it.

    Attributes:
        dataset: The images.
        params: All parameters.
        channel: Those of the channel.
        class_ids: Classes under review.
    """

    dataset: DatasetRef
    params: PipelineParams
    channel: ConceptGraphParams
    class_ids: tuple[int, ...]


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


def open_world(workplace: Workplace, folder: Path, params: PipelineParams) -> World:
    """Open a seed's dataset and find the classes that the parameters name.

    Args:
        workplace: Where stages run.
        folder: The dataset.
        params: All parameters.
    """
    dataset = open_dataset(workplace, folder, unversioned="allow", training=params.training)
    channel = ConceptGraphParams.model_validate(params.of_channel())
    class_ids = tuple(sorted(dataset.classes.index(name) for name in channel.classes))
    return World(dataset, params, channel, class_ids)


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
    concepts = mine_concepts(workplace, basis, channel, seed)
    reasoner = imitate_classifier.fn(
        workplace, basis=basis, concepts=concepts, params=channel, seed=seed
    )
    return Prepared(basis, concepts, reasoner)


def mine_concepts(
    workplace: Workplace, basis: Basis, params: ConceptGraphParams, seed: int
) -> StageResult:
    """Mine the concepts of all classes under review, one class after the other.

    Args:
        workplace: Stores and folders.
        basis: What was computed before.
        params: The channel's parameters.
        seed: Seed of every sampling.

    Returns:
        Concept bank, embeddings and first graphs.
    """
    mining = mining_params(params)
    embedded = embed_segments.fn(workplace, basis=basis, gate=mining.gate, clusters=mining.clusters)
    mined = [
        mine_class.fn(
            workplace,
            basis=basis,
            embedded=embedded,
            params=mining,
            seed=seed,
            class_id=class_id,
        )
        for class_id in basis.class_ids
    ]
    return choose_concepts.fn(
        workplace, basis=basis, embedded=embedded, mined=mined, n_concepts=params.graph.n_concepts
    )
