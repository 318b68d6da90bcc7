"""The same stage for many subjects at once, on threads, on Dask or on Ray.

What runs elsewhere is only the computing. Whether a result is known is looked up here, and here it
is told of, in the order of the subjects, so a run looks the same whoever computed.
"""

import importlib
import importlib.util
import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from threadpoolctl import threadpool_limits

from feedback.errors import OrchestrationError, ParamsError
from models.params import Params
from tasks.progress import JointProgress
from tasks.stage import Stage, StageResult
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from prefect import Task
    from prefect.task_runners import TaskRunner


_RUNNERS = frozenset(("dask", "distributed", "prefect_dask", "prefect_ray", "ray"))
"""Packages whose errors say that the computing was lost, not that it went wrong."""


class FanOutParams(Params):
    """Where work that can be done at the same time is computed: classes mined, students taught.

    Numbers depend on how many cores a subject gets, by rounding. So that is a matter of how many
    subjects there are, never of how many of them were left when a run went on.
    """

    runner: Literal["threads", "dask", "ray"] = "threads"
    """Prefect task runner: ``threads`` of the run's process, or processes of ``dask`` or ``ray``,
    which are extras (``pip install 'parley[dask]'``)."""
    workers: Annotated[int, Field(ge=0, le=1024)] = 0
    """Threads or processes; 0 takes one per core."""
    address: str = ""
    """A running cluster, such as ``tcp://127.0.0.1:8786``, whose workers have ``PARLEY_HOME`` and
    ``PARLEY_STORE`` of their own, the same store and the same data. Empty starts a cluster of Dask
    on this machine and ends it; Ray's would listen on every interface, so it must be named."""

    @model_validator(mode="after")
    def _ray_is_named(self) -> Self:
        if self.runner == "ray" and not self.address:
            raise ValueError(
                "expected fan_out.address with fan_out.runner=ray (got none); start a cluster with "
                "`ray start --head` where nobody else reaches it, and name it"
            )
        return self


def check_runner(params: FanOutParams) -> None:
    """Refuse a runner that is not installed.

    Raises:
        ParamsError: If its package is missing.
    """
    package = f"prefect_{params.runner}"
    if params.runner != "threads" and importlib.util.find_spec(package) is None:
        raise ParamsError(
            f"expected the package {package} for fan_out.runner={params.runner} (got none); "
            f"install it with `pip install 'parley[{params.runner}]'`, or leave the runner out"
        )


def fan_out(
    workplace: Workplace,
    task: "Task[..., StageResult]",
    subjects: Mapping[str, Mapping[str, Any]],
    params: FanOutParams,
    *,
    takes_gpu: bool = False,
) -> list[StageResult]:
    """Run one stage for every subject, inside a flow; Ctrl-C waits for those that run.

    Args:
        workplace: Told of every result, in the order of the subjects.
        task: A Prefect task around a stage.
        subjects: The stage's keyword arguments by what they are about, e.g. a class name.
        params: Which runner, and how large.
        takes_gpu: The stage computes on a GPU where there is one; threads of one process then
            work one after the other, for a GPU is taken by one at a time.

    Returns:
        The results in the order of the subjects.

    Raises:
        ParamsError: If the runner's package is not installed.
        OrchestrationError: If a cluster cannot be reached, or lost its workers.
    """
    stage = task.fn
    if not isinstance(stage, Stage):
        raise TypeError(f"expected a task around a stage (got {task.name})")
    found = {name: stage.find(workplace, given) for name, given in subjects.items()}
    missing = [name for name, result in found.items() if result is None]
    if missing:
        found |= _compute(
            workplace,
            stage,
            task,
            {name: subjects[name] for name in missing},
            params,
            _n_workers(params, len(subjects), takes_gpu=takes_gpu),
        )
    results = []
    for name, result in found.items():
        if result is not None:
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
    n_workers: int,
) -> dict[str, StageResult]:
    done: dict[str, StageResult] = {}
    # Prefect calls by name, and the computation names a stage's first parameter.
    first = next(iter(inspect.signature(stage).parameters))
    with (
        workplace.progress(stage.name) as progress,
        _cores_shared(params, n_workers),
        _lost_workers_named(params),
        _task_runner(params, n_workers) as runner,
    ):
        joint = JointProgress(progress, len(subjects))
        places = _places(workplace, params, joint, list(subjects))
        futures = {
            name: runner.submit(task, {first: places[name], **given})
            for name, given in subjects.items()
        }
        failed: Exception | None = None
        for name, future in futures.items():
            try:
                done[name] = future.result()
            # The others are waited for: what they compute is there for the next start.
            except Exception as error:
                failed = failed or error
            else:
                joint.finished(name)
        if failed is not None:
            raise failed
    return done


def _n_workers(params: FanOutParams, n_subjects: int, *, takes_gpu: bool) -> int:
    if takes_gpu and params.runner == "threads":
        from tasks.device import best_device

        if best_device().type != "cpu":
            return 1
    return min(params.workers or len(os.sched_getaffinity(0)), n_subjects)


def _places(
    workplace: Workplace, params: FanOutParams, joint: JointProgress, names: list[str]
) -> dict[str, Workplace]:
    """Return where each subject is computed; threads share a memory, and tell how far they are."""
    if params.runner != "threads":
        return dict.fromkeys(names, workplace.detached(elsewhere=bool(params.address)))
    places = {name: workplace.detached(listeners=(joint.listener(name),)) for name in names}
    memory: dict[str, object] = {}
    for place in places.values():
        place.memory = memory
    return places


@contextmanager
def _cores_shared(params: FanOutParams, n_workers: int) -> Iterator[None]:
    """Let threads at the same time take their share of the cores, not all of them each."""
    if params.runner != "threads":
        yield
        return
    from tasks.device import cpu_threads

    # scikit-learn sets and resets the limit of BLAS, which threads at the same time leave set.
    n_each = max(1, len(os.sched_getaffinity(0)) // n_workers)
    with threadpool_limits(1, "blas"), cpu_threads(n_each):
        yield


@contextmanager
def _lost_workers_named(params: FanOutParams) -> Iterator[None]:
    """Turn the errors of a runner, but not those of a stage, into ours."""
    try:
        yield
    except Exception as error:
        is_theirs = type(error).__module__.partition(".")[0] in _RUNNERS
        if not is_theirs and not (params.address and isinstance(error, OSError)):
            raise
        raise OrchestrationError(
            f"expected the workers of fan_out.runner={params.runner} to compute (got "
            f"{type(error).__name__}: {error}); check fan_out.address and the workers' memory, or "
            "take fewer with fan_out.workers"
        ) from error


def _task_runner(params: FanOutParams, n_workers: int) -> "TaskRunner[Any]":
    from prefect.task_runners import ThreadPoolTaskRunner

    if params.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=n_workers)
    check_runner(params)
    package = importlib.import_module(f"prefect_{params.runner}")
    runner: TaskRunner[Any]
    if params.runner == "ray":
        runner = package.RayTaskRunner(address=params.address)
    elif params.address:
        runner = package.DaskTaskRunner(address=params.address)
    else:
        runner = package.DaskTaskRunner(
            cluster_kwargs={
                "n_workers": n_workers,
                "threads_per_worker": 1,
                "host": "127.0.0.1",
                "dashboard_address": None,
                # Without it anybody on this machine could have the workers run code.
                "security": True,
            }
        )
    return runner
