"""A flow run in MLflow: its metrics, figures and tables, and the children of its stages.

One parent run per flow run, one child per stage and per registered network. Runs are addressed by
id through the client, never through MLflow's stack of active runs, which is local to a thread and
does not survive a suspension.
"""

import json
import logging
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from feedback.errors import ObjectNotFoundError, TrackingError
from tasks.progress import stage_title
from tasks.records import Figure, Metric, Param, Record, Table, Tag, Text
from tasks.stage import StageResult
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

logger = logging.getLogger(__name__)
_MAX_PARAM = 6000  # characters; MLflow refuses longer values
_BATCH = 900  # entities per log_batch call; the server's limit is 1000
# Not there, no id, or of somebody else.
_UNKNOWN = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "PERMISSION_DENIED"})


class Tracker:
    """One flow run in MLflow.

    Attributes:
        client: MLflow's client, bound to the installation's tracking store.
        run_id: The parent run's id.
        dataset: Name of the dataset, once it is known.
    """

    def __init__(self, client: "MlflowClient", experiment_id: str, run_id: str) -> None:
        self.client = client
        self.experiment_id = experiment_id
        self.run_id = run_id
        self.dataset = ""
        self._dataset_inputs: list[DatasetInput] = []
        self._dataset_tags: dict[str, str] = {}

    def log(self, records: Iterable[Record], *, run_id: str | None = None) -> None:
        """Write records to the parent run, or to the run ``run_id``.

        Args:
            records: What to write; a figure is the artifact ``<name>.png`` of the run.
            run_id: A child run.

        Raises:
            TrackingError: If MLflow refuses them.
        """
        from mlflow.entities import Metric as MlflowMetric
        from mlflow.entities import Param as MlflowParam
        from mlflow.entities import RunTag
        from mlflow.exceptions import MlflowException
        from mlflow.utils.time import get_current_time_millis

        target = run_id or self.run_id
        now = get_current_time_millis()
        metrics: list[MlflowMetric] = []
        params: list[MlflowParam] = []
        tags: list[RunTag] = []
        try:
            for record in records:
                match record:
                    case Metric():
                        metrics.append(
                            MlflowMetric(plain_name(record.name), record.value, now, record.step)
                        )
                    case Param():
                        text = (
                            record.value
                            if isinstance(record.value, str)
                            else json.dumps(record.value)
                        )
                        params.append(MlflowParam(plain_name(record.name), text[:_MAX_PARAM]))
                    case Tag():
                        tags.append(RunTag(record.name, record.value))
                    case Figure():
                        self._log_png(target, record)
                    case Table():
                        self.client.log_dict(
                            target, dict(record.columns), f"tables/{plain_name(record.name)}.json"
                        )
                    case Text():
                        self.client.log_text(target, record.content, f"files/{record.name}")
            for start in range(0, max(len(metrics), 1), _BATCH):
                self.client.log_batch(
                    target,
                    metrics=metrics[start : start + _BATCH],
                    params=params if start == 0 else [],
                    tags=tags if start == 0 else [],
                )
        except MlflowException as error:
            raise _refused(f"take the records of run {target}", error) from error

    def log_stage(self, workplace: Workplace, result: StageResult) -> str:
        """Write one stage as a child run; a reused stage links to the run that has its files.

        Args:
            workplace: Holds the artifacts, and for each key the run that has what a stage computed.
            result: The finished stage.

        Returns:
            The child run's id.

        Raises:
            StoreError: If the store cannot be read or written.
            TrackingError: If MLflow refuses it.
        """
        link = f"tracking/{result.key}.json"
        origin = self._origin(workplace, link) if result.reused else None
        # The number keeps the runs in the order of the flow when they are sorted by name.
        name = f"{len(workplace.results):02d} {stage_title(result.name, workplace.subject)}"
        tags = {
            "cache.key": result.key,
            "parley.stage": result.name,
            "parley.reused": str(result.reused).lower(),
        }
        if origin is not None:
            tags["parley.computed_in_run"] = origin
        elif result.reused:
            logger.info("stage %s was computed in a run that is not known here", result.name)
        records = stage_records(workplace, result, is_linked=origin is not None)
        child_id = self.start_child(f"{name} (reused)" if result.reused else name, tags)
        self.log([Metric("seconds", result.seconds), *records], run_id=child_id)
        self.client.set_terminated(child_id, "FINISHED")
        if origin is None:
            workplace.objects.put(link, json.dumps({"run_id": child_id}).encode())
        return child_id

    def _origin(self, workplace: Workplace, link: str) -> str | None:
        """Return the run that has a stage's files; None where this MLflow has no such run."""
        from mlflow.exceptions import MlflowException

        try:
            run_id = str(json.loads(workplace.objects.get(link))["run_id"])
            found = self.client.get_run(run_id)
        except (ObjectNotFoundError, ValueError, KeyError, TypeError):
            return None
        except MlflowException as error:
            if error.error_code in _UNKNOWN:
                return None
            raise _refused(f"tell of run {run_id}", error) from error
        return run_id if found.info.lifecycle_stage == "active" else None

    def start_child(self, name: str, tags: Mapping[str, str] = MappingProxyType({})) -> str:
        """Start a child of the parent run, with the same dataset, and return its id.

        Args:
            name: Shown in the list of runs.
            tags: Tags of the child.
        """
        links = {"mlflow.parentRunId": self.run_id, "mlflow.runName": name}
        all_tags = links | self._dataset_tags | dict(tags)
        child_id: str = self.client.create_run(self.experiment_id, tags=all_tags).info.run_id
        if self._dataset_inputs:
            self.client.log_inputs(child_id, self._dataset_inputs)
        return child_id

    def log_dataset(self, name: str, md5: str, n_images: int) -> None:
        """Record the dataset as an input of the parent run and of every child, by its DVC md5."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=plain_name(name),
            digest=md5[:8],
            source_type="dvc",
            source=json.dumps({"md5": md5}),
            profile=json.dumps({"train_images": n_images}),
        )
        self.dataset, self._dataset_tags = name, {"dvc.md5": md5}
        context = InputTag("mlflow.data.context", "training")
        self._dataset_inputs = [DatasetInput(dataset, [context])]
        self.client.set_tag(self.run_id, "dvc.md5", md5)
        self.client.log_inputs(self.run_id, self._dataset_inputs)

    def logged_stages(self) -> set[str]:
        """Return the keys of the stages that are children of the parent run, written to the end."""
        children = self.client.search_runs(
            [self.experiment_id], f"tags.`mlflow.parentRunId` = '{self.run_id}'", max_results=1000
        )
        return {
            run.data.tags["cache.key"]
            for run in children
            if "cache.key" in run.data.tags and run.info.status == "FINISHED"
        }

    def suspend(self) -> None:
        """Show the parent run as one that will go on later."""
        self.client.update_run(self.run_id, status="SCHEDULED")

    def finish(self, *, failed: bool = False) -> None:
        """Close the parent run.

        Args:
            failed: An error is on its way already; one more, such as that of a disk that is full,
                must not take its place.

        Raises:
            TrackingError: If MLflow refuses it, and nothing had failed before.
        """
        from mlflow.exceptions import MlflowException

        try:
            self.client.set_terminated(self.run_id, "FAILED" if failed else "FINISHED")
        except MlflowException as error:
            if failed:
                logger.info("the run %s stays open in MLflow: %s", self.run_id, error.message)
                return
            raise _refused(f"close run {self.run_id}", error) from error

    def _log_png(self, run_id: str, figure: Figure) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{plain_name(figure.name)}.png"
            path.write_bytes(figure.png)
            # Not in a folder: MLflow's compare page lines up files of the top level only.
            self.client.log_artifact(run_id, str(path))


def stage_records(
    workplace: Workplace, result: StageResult, *, is_linked: bool = False
) -> list[Record]:
    """Return what a stage has to say: its numeric facts and files, and its series when it trained.

    Args:
        workplace: Holds the artifacts.
        result: A finished stage.
        is_linked: Whether another run has its files and its series, and is linked to.
    """
    records: list[Record] = [
        Metric(name, float(value))
        for name, value in result.facts.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if is_linked:
        return records
    records += [
        Text(name, workplace.artifacts.load_text(ref))
        for name, ref in result.outputs.items()
        if ref.kind == "text"
    ]
    if "history" in result.outputs:
        for row in workplace.artifacts.load_list(result.outputs["history"]):
            if isinstance(row, dict):
                step = int(str(row.get("epoch", 0)))
                records += [
                    Metric(f"epoch.{name}", float(value), step)
                    for name, value in row.items()
                    if name != "epoch" and isinstance(value, int | float)
                ]
    return records


def _refused(what: str, error: "MlflowException") -> TrackingError:
    return TrackingError(
        f"expected MLflow to {what} (got: {error.message}); check the server with `parley doctor`"
    )


def plain_name(name: str) -> str:
    """Return ``name`` in the characters that MLflow's keys and file names all take."""
    return re.sub(r"[^\w./-]+", "_", name)
