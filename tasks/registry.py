"""Registered versions: logged without pickle, found by digest, pointed to by aliases.

Aliases: ``candidate`` is the latest student, ``champion`` the version in use, ``previous`` the
champion before it.
"""

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from feedback.errors import TrackingError
from tasks.records import Record
from tasks.tracking import Tracker
from tasks.tracking_store import without_password
from tasks.version_pages import VersionRef, run_title

if TYPE_CHECKING:
    from torch import nn

CANDIDATE, CHAMPION, PREVIOUS = "candidate", "champion", "previous"
DIGEST_TAG, DATASET_TAG = "parley.weights_sha256", "dvc.md5"


def find_version(tracker: Tracker, name: str, digest: str) -> VersionRef | None:
    """Return the version of ``name`` whose weights hash to ``digest``, if there is one."""
    from mlflow.exceptions import MlflowException

    try:
        found = tracker.client.search_model_versions(
            f"name = '{name}' and tags.`{DIGEST_TAG}` = '{digest}'"
        )
    except MlflowException as error:
        raise refused("search for model versions", error) from error
    return _reference(found[0]) if found else None


def register_version(
    tracker: Tracker,
    build: Callable[[], "nn.Module"],
    *,
    name: str,
    digest: str,
    examples: Mapping[str, tuple[int, ...]],
    outputs: Mapping[str, tuple[int, ...]],
    tags: Mapping[str, str],
    records: Sequence[Record] = (),
    metadata: Mapping[str, JsonValue] | None = None,
    role: str = "",
    subject: str = "",
) -> VersionRef:
    """Log a network as an exported program (pt2, no pickle) and register it, once per weights.

    Args:
        tracker: The run that the version belongs to.
        build: Makes the module, from tensors to one tensor and in evaluation mode; called only when
            no version holds these weights yet.
        name: Registered name.
        digest: sha256 of the weights' artifact.
        examples: Shape of each input, in order, with the batch first; the batch may have any size
            later.
        outputs: Shape of each output, likewise.
        tags: Facts about the version: dataset md5, request, decision, edits.
        records: Metrics and figures of the network, logged to the run that holds it.
        metadata: What whoever uses the network must know, written beside it.
        role: First word of the name of that run, e.g. ``candidate``; empty takes ``name``.
        subject: What the name says of the network, e.g. ``edited graphs``.

    Returns:
        The new version, or the one that holds the same weights already.

    Raises:
        TrackingError: If MLflow refuses it.
    """
    known = find_version(tracker, name, digest)
    if known is not None:
        return known
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        uri = log_network(
            tracker,
            build(),
            name=name,
            run_name=run_title(tracker, role or name, subject),
            examples=examples,
            outputs=outputs,
            records=records,
            metadata=metadata,
        )
        with quiet():
            version = mlflow.register_model(uri, name, tags={**tags, DIGEST_TAG: digest})
        made = _reference(version).model_copy(update={"digest": digest})
        # Only now is the number known that people call the version by.
        titled = run_title(tracker, f"{role or name} v{made.version}", subject)
        tracker.client.update_run(made.run_id, name=titled)
    except MlflowException as error:
        raise refused(f"register a version of {name}", error) from error
    return made


def log_network(
    tracker: Tracker,
    model: "nn.Module",
    *,
    name: str,
    run_name: str,
    examples: Mapping[str, tuple[int, ...]],
    outputs: Mapping[str, tuple[int, ...]],
    records: Sequence[Record] = (),
    metadata: Mapping[str, JsonValue] | None = None,
) -> str:
    """Log a network to a child run of ``tracker`` as an exported program and return its address.

    Args:
        tracker: The parent run.
        model: A module in evaluation mode.
        name: Name of the logged model.
        run_name: Name of the child run.
        examples: Shape of each input with the batch first.
        outputs: Shape of each output with the batch first.
        records: Metrics and figures of the network.
        metadata: Written beside the network.
    """
    import mlflow
    import numpy as np
    import torch
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def schema(shapes: Mapping[str, tuple[int, ...]]) -> Any:
        return Schema(
            [
                TensorSpec(np.dtype("float32"), (-1, *shape[1:]), key)
                for key, shape in shapes.items()
            ]
        )

    # A batch of one would freeze that dimension in the exported program.
    arrays = [np.zeros((2, *shape[1:]), np.float32) for shape in examples.values()]
    child = tracker.start_child(run_name)
    tracker.log(records, run_id=child)
    with quiet(), mlflow.start_run(run_id=child):
        info = mlflow.pytorch.log_model(
            model.eval(),
            name=name,
            serialization_format="pt2",
            signature=ModelSignature(inputs=schema(examples), outputs=schema(outputs)),
            metadata=dict(metadata or {}),
            input_example=arrays[0] if len(arrays) == 1 else arrays,
            # Asking pip what is installed takes seconds and needs a network.
            pip_requirements=[f"torch=={torch.__version__.split('+')[0]}"],
            # MLflow would load the program again and only log what goes wrong, which nobody sees.
            validate_serving_input=False,
        )
    uri: str = info.model_uri
    return uri


def alias_version(tracker: Tracker, name: str, alias: str) -> VersionRef | None:
    """Return the version that ``alias`` points to, if any."""
    from mlflow.exceptions import MlflowException

    try:
        found = tracker.client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        if error.error_code == "PERMISSION_DENIED" and not _is_shown(tracker, name):
            # With passwords the server says so of a model that is not there, too. Of one that is
            # only hidden from this user it would refuse every write after this.
            return None
        raise refused(f"read the alias {alias} of {name}", error) from error
    return _reference(found)


def _is_shown(tracker: Tracker, name: str) -> bool:
    return bool(tracker.client.search_registered_models(f"name = '{name}'", max_results=1))


def set_alias(tracker: Tracker, version: VersionRef, alias: str) -> None:
    """Point ``alias`` to ``version`` and read it back.

    Raises:
        TrackingError: If another version is read back, which means that somebody else moved the
            alias meanwhile.
    """
    tracker.client.set_registered_model_alias(version.name, alias, version.version)
    found = alias_version(tracker, version.name, alias)
    if found is None or found.version != version.version:
        raise TrackingError(
            f"expected {alias} of {version.name} to be version {version.version} "
            f"(got {found.version if found else 'none'}); another run moved it: run again"
        )


def drop_alias(tracker: Tracker, name: str, alias: str) -> None:
    """Take ``alias`` away from whatever version it points to."""
    if alias_version(tracker, name, alias) is not None:
        tracker.client.delete_registered_model_alias(name, alias)


def version_tags(tracker: Tracker, name: str, version: str) -> Mapping[str, str]:
    """Return what a registered version says of its origin.

    Raises:
        TrackingError: If there is no such version.
    """
    from mlflow.exceptions import MlflowException

    try:
        return dict(tracker.client.get_model_version(name, version).tags or {})
    except MlflowException as error:
        raise refused(f"find version {version} of {name}", error) from error


def version_metrics(tracker: Tracker, name: str, version: str) -> Mapping[str, float]:
    """Return what was measured of a registered version, by the names that its run has them under.

    Returns:
        Nothing when its run was deleted.

    Raises:
        TrackingError: If there is no such version, or the server refuses.
    """
    from mlflow.exceptions import MlflowException

    try:
        run_id = tracker.client.get_model_version(name, version).run_id
    except MlflowException as error:
        raise refused(f"find version {version} of {name}", error) from error
    if not run_id:
        return {}
    try:
        return dict(tracker.client.get_run(run_id).data.metrics)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise refused(f"read the metrics of version {version} of {name}", error) from error


def tag_version(tracker: Tracker, version: VersionRef, tags: Mapping[str, str]) -> None:
    """Write tags on a registered version, replacing those of the same name."""
    for name, value in tags.items():
        tracker.client.set_model_version_tag(version.name, version.version, name, value)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow's and the exporter's advice off the user's terminal."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "torch.export", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        # MLflow writes some of it to stderr past every logger.
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _reference(found: Any) -> VersionRef:
    return VersionRef(
        name=found.name,
        version=str(found.version),
        digest=(found.tags or {}).get(DIGEST_TAG, ""),
        run_id=found.run_id or "",
    )


def refused(what: str, error: Exception) -> TrackingError:
    """Say what MLflow would not do, without the password that its address may hold."""
    return TrackingError(
        f"expected MLflow to {what} (got: {without_password(str(error))}); check the server with "
        "`parley doctor`"
    )
