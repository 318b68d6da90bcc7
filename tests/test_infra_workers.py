"""What the workers of infra/ need to do what Parley promises of them."""

import importlib
import json
import re
from pathlib import Path

import pytest
from dvc.env import DVC_SITE_CACHE_DIR
from prefect.client.schemas.objects import ConcurrencyLimitStrategy

from benchmarks.report import RESULTS
from flows.deploying import read_deployments
from tasks.dataset.filing import REVIEWS
from tasks.dataset.version import records
from tasks.notifying import ADDRESSES, WEBHOOK
from tests.infra_files import (
    CONTAINERS,
    DEPLOYMENTS,
    INFRA,
    MANIFESTS,
    PODS,
    SERVICES,
    env_of,
    manifest,
)

SERVICES_AT_WORK = ("watcher", "worker", "worker-gpu")
PODS_AT_WORK = ("watcher", "worker-gpu", "worker-cpu")
WORKERS = {
    **{name: SERVICES[name]["environment"] for name in SERVICES_AT_WORK},
    **{f"{name} pod": env_of(f"{name}/worker") for name in PODS_AT_WORK},
}


def test_an_answer_wakes_its_run_within_ten_seconds():
    # The slowest of what was measured with a watcher and workers that look as often as these.
    for name in ("resume.json", "resume_servers.json"):
        found = json.loads((RESULTS / name).read_text())["result"]
        slowest = max(found[how]["max"] for how in found if how.startswith("deployed"))
        assert slowest <= 10
    assert DEPLOYMENTS["watch"]["parameters"]["every_seconds"] <= 2
    for env in WORKERS.values():
        assert float(env["PREFECT_WORKER_QUERY_SECONDS"]) <= 1


@pytest.mark.parametrize("name", WORKERS)
def test_runs_go_by_the_rule_that_closes_their_requests(name):
    rules = dict(pair.split("=", 1) for pair in DEPLOYMENTS["retrain"]["parameters"]["overrides"])
    assert rules["review.reviewer"] == "inbox"
    assert rules["review.policy"] == WORKERS[name]["PARLEY_POLICY"] == "/etc/parley/policy.yaml"
    for container in (SERVICES["page"], CONTAINERS["review/page"]):
        served = container.get("args") or container["command"]
        assert served[served.index("--policy") + 1] == rules["review.policy"]


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


def test_a_worker_that_trains_may_write_all_that_an_intake_writes():
    told = re.search(r"`data: (/\S+)`", (INFRA / "README.md").read_text())
    data = Path(told[1])
    written = (data, *records(data), data.parent / REVIEWS)
    for name in ("worker", "worker-gpu"):
        mounts = [mount for mount in SERVICES[name]["volumes"] if isinstance(mount, dict)]
        (mount,) = [mount for mount in mounts if holds(mount["target"], written)]
        assert mount["type"] == "bind"
        assert not mount.get("read_only")
        assert mount["source"].startswith("${PARLEY_PROJECT:?")
    claims = set()
    for name in ("worker-gpu", "worker-cpu"):
        mounts = CONTAINERS[f"{name}/worker"]["volumeMounts"]
        (mount,) = [mount for mount in mounts if holds(mount["mountPath"], written)]
        assert not mount.get("readOnly")
        (volume,) = [v for v in PODS[name]["volumes"] if v["name"] == mount["name"]]
        claims.add(volume["persistentVolumeClaim"]["claimName"])
        assert PODS[name]["securityContext"]["fsGroup"] == 10001
    # The two stand in for each other, so they have one dataset.
    (claim,) = claims
    assert manifest("PersistentVolumeClaim", claim)


def holds(target, paths):
    return all(path.is_relative_to(target) for path in paths)


@pytest.mark.parametrize("image", ["parley", "worker-gpu"])
def test_dvc_keeps_its_own_notes_where_an_image_may_write(image):
    # Of itself it takes /var/tmp, and ends where the file system is read-only.
    text = (INFRA / "images" / f"{image}.Dockerfile").read_text()
    (place,) = re.findall(rf"\b{DVC_SITE_CACHE_DIR}=(\S+)", text)
    (kept,) = re.findall(r"^VOLUME (\S+)$", text, re.MULTILINE)
    assert Path(place).is_relative_to(kept)


def test_a_worker_made_anew_is_the_host_of_the_runs_of_the_one_before():
    # tasks/liveness.py notes the host's name beside a run, in a home that outlives the container.
    homes = {}
    for name in SERVICES_AT_WORK:
        (home,) = [v for v in SERVICES[name]["volumes"] if str(v).endswith(":/var/lib/parley")]
        homes.setdefault(home, set()).add(SERVICES[name]["hostname"])
    # One home, one host, and no two homes with the same: its locks are those of one host.
    hosts = [host for names in homes.values() for host in names]
    assert len(set(hosts)) == len(hosts) == len(homes) == 2
    for name in PODS_AT_WORK:
        (template,) = manifest("StatefulSet", name)["spec"]["volumeClaimTemplates"]
        mounts = {m["mountPath"]: m["name"] for m in CONTAINERS[f"{name}/worker"]["volumeMounts"]}
        assert mounts["/var/lib/parley"] == template["metadata"]["name"]
        assert not {"hostname", "hostNetwork"} & set(PODS[name])


@pytest.mark.parametrize("name", ["watch", "preview"])
def test_late_runs_of_a_loop_do_not_start_all_at_once(name):
    (spec,) = [s for s in read_deployments(INFRA / "prefect.yaml") if s.name == name]
    assert spec.concurrency_limit.collision_strategy == ConcurrencyLimitStrategy.CANCEL_NEW
    # A run looks until the next is due, which takes its place while it still does.
    looks = spec.parameters["every_seconds"] * spec.parameters["rounds"]
    assert looks == spec.schedules[0].interval
    assert spec.concurrency_limit.limit == 2


def test_a_place_that_a_killed_run_held_is_free_again_after_the_server_was_killed_too():
    variable = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
    pod, container = PODS["prefect"], CONTAINERS["prefect/prefect"]
    for env in (SERVICES["prefect"]["environment"], env_of("prefect/prefect")):
        storage = importlib.import_module(env[variable]).ConcurrencyLeaseStorage
        assert storage(Path(env["PREFECT_HOME"])).storage_path.is_relative_to("/var/lib/parley")
    assert "prefect:/var/lib/parley" in SERVICES["prefect"]["volumes"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    (home,) = [v for v in pod["volumes"] if v["name"] == mounts["/var/lib/parley"]]
    assert manifest("PersistentVolumeClaim", home["persistentVolumeClaim"]["claimName"])
    assert manifest("Deployment", "prefect")["spec"]["strategy"] == {"type": "Recreate"}
