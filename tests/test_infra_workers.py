"""What the workers of infra/ need to do what Parley promises of them."""

import pytest

from tests.infra_files import DEPLOYMENTS, SERVICES, env_of

SERVICES_AT_WORK = ("watcher", "worker", "worker-gpu")
PODS_AT_WORK = ("watcher", "worker-gpu", "worker-cpu")
WORKERS = {
    **{name: SERVICES[name]["environment"] for name in SERVICES_AT_WORK},
    **{f"{name} pod": env_of(f"{name}/worker") for name in PODS_AT_WORK},
}


@pytest.mark.parametrize("name", WORKERS)
def test_an_answer_wakes_its_run_within_ten_seconds(name):
    # The slowest start of a woken run, less the watcher's look: benchmarks/results.
    start = 6.8 - 2.0
    look = DEPLOYMENTS["watch"]["parameters"]["every_seconds"]
    assert look + float(WORKERS[name]["PREFECT_WORKER_QUERY_SECONDS"]) + start <= 10
