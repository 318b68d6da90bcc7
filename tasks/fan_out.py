"""The same stage for many subjects at once, on threads, on Dask or on Ray.

What runs elsewhere is only the computing. Whether a result is known is looked up here, and here it
is told of, in the order of the subjects, so a run looks the same whoever computed.
"""

import importlib
import inspect
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from feedback.errors import OrchestrationError, ParamsError
from models.params import Params
from tasks.stage import Stage, StageResult
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from prefect import Task
    from prefect.task_runners import TaskRunner

logger = logging.getLogger(__name__)


class FanOutParams(Params):
    """Where work on single classes is computed; results do not depend on it."""

    runner: Literal["threads", "dask", "ray"] = "threads"
    """Prefect task runner: ``threads`` of the run's process, or processes of ``dask`` or ``ray``,
    which are extras (``pip install 'parley[dask]'``)."""
    workers: Annotated[int, Field(ge=0, le=1024)] = 0
    """Threads or processes; 0 takes one per core."""
    address: str = ""
    """Scheduler of a running cluster, such as ``tcp://127.0.0.1:8786``; empty starts one on this
    machine and ends it. Its workers need the same store, data and ``PARLEY_HOME``."""


def fan_out(
    workplace: Workplace,
    task: "Task[..., StageResult]",
    subjects: Mapping[str, Mapping[str, Any]],
    params: FanOutParams,
) -> list[StageResult]:
    """Run one stage for every subject, inside a flow.

    Args:
        workplace: Told of every result, in the order of the subjects.
        task: A Prefect task around a stage.
        subjects: The stage's keyword arguments by what they are about, e.g. a class name.
        params: Which runner, and how large.

    Returns:
        The results in the order of the subjects.

    Raises:
        ParamsError: If the runner's package is not installed.
        OrchestrationError: If a worker was lost.
    """
    stage = task.fn
    if not isinstance(stage, Stage):
        raise TypeError(f"expected a task around a stage (got {task.name})")
    found = {name: stage.find(workplace, given) for name, given in subjects.items()}
    missing = [name for name, result in found.items() if result is None]
    if missing:
        found |= _compute(
            workplace, stage, task, {name: subjects[name] for name in missing}, params
        )
    results = []
    for name, result in found.items():
        if result is None:
            raise OrchestrationError(f"expected a result of {stage.name} for {name} (got none)")
        with workplace.about(name):
            workplace.finished(result)
        results.append(result)
    return results


def _compute(
    workplace: Workplace,
    stage: Stage[...],
    task: "Task[..., StageResult]",
    subjects: Mapping[str, Mapping[str, Any]],
    params: FanOutParams,
) -> dict[str, StageResult | None]:
    n_workers = min(params.workers or len(os.sched_getaffinity(0)), len(subjects))
    done: dict[str, StageResult | None] = {}
    # Prefect calls by name, and the computation names a stage's first parameter.
    first = next(iter(inspect.signature(stage).parameters))
    with (
        workplace.progress(stage.name) as progress,
        _task_runner(params, n_workers) as runner,
    ):
        futures = {
            name: runner.submit(task, {first: workplace.detached(), **given})
            for name, given in subjects.items()
        }
        for name, future in futures.items():
            done[name] = future.result()
            progress(len(done), len(futures), name)
    return done


def _task_runner(params: FanOutParams, n_workers: int) -> "TaskRunner[Any]":
    from prefect.task_runners import ThreadPoolTaskRunner

    if params.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=n_workers)
    try:
        package = importlib.import_module(f"prefect_{params.runner}")
    except ImportError as error:
        raise ParamsError(
            f"expected the package prefect-{params.runner} for fan_out.runner={params.runner} "
            f"(got: {error}); install it with `pip install 'parley[{params.runner}]'`, or leave "
            "the runner out"
        ) from error
    runner: TaskRunner[Any]
    if params.runner == "ray":
        # Ray's dashboard would listen, and its usage report would phone home.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own = {"num_cpus": n_workers, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        runner = package.RayTaskRunner(
            address=params.address or None, init_kwargs={} if params.address else own
        )
    elif params.address:
        runner = package.DaskTaskRunner(address=params.address)
    else:
        runner = package.DaskTaskRunner(
            cluster_kwargs={
                "n_workers": n_workers,
                "threads_per_worker": 1,
                "host": "127.0.0.1",
                "dashboard_address": None,
            }
        )
    return runner
