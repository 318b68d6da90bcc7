"""Parameters of a world's runs, and how results name them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.correction.worlds import Kind
from flows.params import PipelineParams, load_params
from models.concept_graph.params import ConceptGraphParams


def world_params(kind: Kind, weights: Path | None, overrides: Sequence[str]) -> PipelineParams:
    """Return the parameters of a world, fixed beforehand in a file of this project.

    Args:
        kind: Which dataset.
        weights: Pre-trained weights; None trains from nothing.
        overrides: ``KEY=VALUE`` each.
    """
    own = Path("params.yaml" if kind == "demo" else "benchmarks/correction/pets37.yaml")
    given = [f"classifier.weights={weights}"] if weights else []
    return load_params(own, (*overrides, *given))


def describe_params(params: PipelineParams) -> dict[str, Any]:
    """Return parameters for a result; a file's place says something of one machine only."""
    used = params.model_dump(mode="json", exclude={"data"})
    weights = params.classifier.weights
    used["classifier"]["weights"] = Path(weights).name if weights else None
    return used


def deciding_params(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of described parameters on which a trial's numbers depend.

    Args:
        described: As ``describe_params`` returned them, lately or for an earlier result; a
            parameter that came later has had its default.
    """
    params = PipelineParams.model_validate(described)
    channel = ConceptGraphParams.model_validate(params.of_channel()).model_dump(mode="json")
    # Nothing is published in a benchmark, no earlier review is carried over, and processes differ.
    for name in ("carry_over", "workers"):
        del channel[name]
    for name in ("publish_anyway", "min_agreement"):
        del channel["reasoner"][name]
    parts = {"classifier", "training", "distillation"}
    return params.model_dump(mode="json", include=parts) | {"concept_graph": channel}
