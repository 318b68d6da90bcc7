"""Long stages show their progress in Prefect; nothing that happens there can harm a stage."""

import pytest

from tasks.orchestration import AWAY_SECONDS, EVERY_SECONDS, ProgressArtifacts
from tasks.progress import Progress


class Clock:
    """A clock that stands still until it is moved; a call to the server takes ``cost`` seconds."""

    def __init__(self, cost=0.0):
        self.now, self.cost = 1000.0, cost

    def __call__(self):
        self.now += self.cost
        return self.now


def bars_now():
    """Return the progress bars of the flow run that this is called in."""
    from prefect.client.orchestration import get_client
    from prefect.context import FlowRunContext

    wanted = {"artifacts": {"flow_run_id": {"any_": [str(FlowRunContext.get().flow_run.id)]}}}
    with get_client(sync_client=True) as client:
        return client.request("POST", "/artifacts/filter", json=wanted).json()


@pytest.fixture
def bars_of(prefect_server):
    """Run a stage within a flow and return the progress bars that it leaves behind."""
    from prefect import flow

    def run(stage):
        @flow(name="bars", validate_parameters=False)
        def bars():
            stage()
            return bars_now()

        return bars()

    return run


def test_a_long_stage_is_one_bar_that_ends_full(bars_of):
    clock = Clock()

    def stage():
        with Progress("fit_teacher", (ProgressArtifacts(clock),), "edited graphs") as progress:
            progress(1, 4, "loss 2.0")
            clock.now += EVERY_SECONDS
            progress(2, 4, "loss 1.0")
            progress(3, 4, "loss 0.5")

    (bar,) = bars_of(stage)
    assert (bar["type"], bar["key"], bar["data"]) == ("progress", "fit-teacher", 100.0)
    assert bar["description"].startswith("fit teacher: edited graphs · finished after")


def test_between_updates_a_bar_stands_still_and_a_slow_server_is_asked_less(bars_of):
    clock, seen = Clock(), []

    def stage():
        with Progress("distil", (ProgressArtifacts(clock),)) as progress:
            clock.now += EVERY_SECONDS
            clock.cost = 1.0
            progress(1, 10)
            clock.cost = 0.0
            # One second at the server is worth two hundred of silence.
            clock.now += 100.0
            progress(5, 10)
            seen.append([bar["data"] for bar in bars_now()])
            clock.now += 101.0
            progress(6, 10)
            seen.append([bar["data"] for bar in bars_now()])

    bars_of(stage)
    assert seen == [[10.0], [60.0]]


def test_a_short_stage_has_no_bar(bars_of):
    def stage():
        with Progress("predict", (ProgressArtifacts(Clock()),)) as progress:
            progress(1, 2)
            progress(2, 2)

    assert bars_of(stage) == []


def test_a_failed_stage_keeps_what_it_had_reached(bars_of):
    clock = Clock()

    def stage():
        progress = Progress("distil", (ProgressArtifacts(clock),))
        progress.__enter__()
        clock.now += EVERY_SECONDS
        progress(1, 4)
        error = RuntimeError("disk full")
        progress.__exit__(type(error), error, None)

    (bar,) = bars_of(stage)
    assert bar["data"] == 25.0
    assert bar["description"].startswith("distil · failed after")


def test_a_server_that_is_away_harms_no_stage_and_is_left_alone(bars_of):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    clock, seen = Clock(), []

    def stage():
        with Progress("distil", (ProgressArtifacts(clock),)) as progress:
            clock.now += EVERY_SECONDS
            # Nothing listens on the discard port.
            with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
                progress(1, 4)
            clock.now += AWAY_SECONDS / 2
            progress(2, 4)
            seen.append(bars_now())
            clock.now += AWAY_SECONDS
            progress(3, 4)
            seen.append(bars_now())

    (bar,) = bars_of(stage)
    assert seen[0] == []
    assert [found["data"] for found in seen[1]] == [75.0]
    assert bar["data"] == 100.0


def test_a_server_that_is_busy_for_a_moment_is_asked_again(bars_of, monkeypatch):
    import httpx
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.exceptions import PrefectHTTPStatusError

    create, refusals = SyncPrefectClient.create_artifact, [503, 503]

    def refuse_at_first(self, *args, **kwargs):
        if refusals:
            request = httpx.Request("POST", "http://127.0.0.1/api/artifacts/")
            busy = httpx.Response(refusals.pop(), request=request)
            raise PrefectHTTPStatusError("busy", request=request, response=busy)
        return create(self, *args, **kwargs)

    clock = Clock()
    monkeypatch.setattr(SyncPrefectClient, "create_artifact", refuse_at_first)

    def stage():
        with Progress("distil", (ProgressArtifacts(clock),)) as progress:
            clock.now += EVERY_SECONDS
            progress(1, 2)

    (bar,) = bars_of(stage)
    assert bar["data"] == 100.0
    assert not refusals


def test_a_bar_belongs_to_the_task_that_runs_the_stage(bars_of):
    from prefect import task
    from prefect.context import TaskRunContext

    clock, ran = Clock(), []

    @task
    def work():
        ran.append(str(TaskRunContext.get().task_run.id))
        with Progress("distil", (ProgressArtifacts(clock),)) as progress:
            clock.now += EVERY_SECONDS
            progress(1, 2)

    (bar,) = bars_of(work)
    assert bar["task_run_id"] == ran[0]


def test_outside_a_run_nothing_is_sent(monkeypatch):
    import prefect.client.orchestration

    def refuse(**given):
        pytest.fail("nothing may be sent")

    monkeypatch.setattr(prefect.client.orchestration, "get_client", refuse)
    clock = Clock()
    with Progress("distil", (ProgressArtifacts(clock),)) as progress:
        clock.now += EVERY_SECONDS
        progress(1, 2)
