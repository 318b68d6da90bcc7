"""What the workers of infra/ need to do what Parley promises of them."""

import pytest

from tasks.notifying import ADDRESSES, WEBHOOK
from tests.infra_files import DEPLOYMENTS, MANIFESTS, SERVICES, env_of

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


def test_who_tells_people_has_the_addresses_from_outside_and_reaches_them():
    for variable, key in ((WEBHOOK, "webhook"), (ADDRESSES, "urls")):
        assert WORKERS["watcher"][variable] == f"${{{variable}:-}}"
        assert WORKERS["watcher pod"][variable] == {
            "secretKeyRef": {"name": "notices", "key": key, "optional": True}
        }
        told = [name for name, env in WORKERS.items() if variable in env]
        assert told == ["watcher", "watcher pod"]
    assert "outside" in SERVICES["watcher"]["networks"]
    # 587 is where apprise submits the mail of mailtos:// unless the address says otherwise.
    assert ways_out("watcher") == {443, 587}
    assert ways_out("worker-gpu") == {443}


def ways_out(app):
    """Return the ports of the outside that the policies open to pods."""
    ports = set()
    for policy in (d["spec"] for d in MANIFESTS if d["kind"] == "NetworkPolicy"):
        for rule in policy.get("egress", ()):
            if any("ipBlock" in peer for peer in rule["to"]) and selects(policy, app):
                ports |= {port["port"] for port in rule["ports"]}
    return ports


def selects(policy, app):
    selector = policy["podSelector"]
    expressions = selector.get("matchExpressions", ())
    return selector.get("matchLabels", {}).get("app", app) == app and all(
        app in expression["values"] for expression in expressions
    )
