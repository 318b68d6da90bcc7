"""What infra/ must hold whoever edits it: pinned images, no root, no secret, checks and limits."""

import re

import pytest

from tests.infra_files import COMPOSE, CONTAINERS, INFRA, MANIFESTS, PODS, SERVICES

PINNED = re.compile(r"[a-z0-9/-]+:\d+(\.\d+)+(-[a-z0-9]+)*")
SECRET = re.compile(r"(PASSWORD|SECRET|_KEY|AUTH_STRING|CONNECTION_URL|STORE_URI)$")
# Of these the variable names a file or a user, not a secret.
PUBLIC = {"AWS_ACCESS_KEY_ID", "PARLEY_S3_ACCESS_KEY", "PARLEY_PAGE_KEY"}
ONCE = {"buckets", "deploy"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_of_compose_is_pinned_bounded_and_watched(name):
    service = SERVICES[name]
    assert PINNED.fullmatch(service["image"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) >= {"cpus", "memory"}
    if name not in ONCE:
        dockerfile = service.get("build", {}).get("dockerfile", "")
        image = (INFRA.parent / dockerfile).read_text() if dockerfile else ""
        assert "healthcheck" in service or "\nHEALTHCHECK --" in image


def test_only_the_proxy_listens_to_people():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["page"]["network_mode"] == "service:proxy"
    assert all(COMPOSE["networks"][name]["internal"] for name in ("data", "objects", "control"))


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_mlflow_takes_what_its_pages_ask_through_the_proxy_and_nothing_of_strangers(where):
    from mlflow.server.security_utils import is_allowed_host_header, should_block_cors_request

    words = (
        SERVICES["mlflow"]["command"] if where == "compose" else CONTAINERS["mlflow/mlflow"]["args"]
    )
    line = re.sub(r"\$\{PARLEY_DOMAIN:[^}]*\}", "example.org", " ".join(words))
    hosts, origins = (
        re.search(rf"--{flag}=(\S+)", line)[1].split(",")
        for flag in ("allowed-hosts", "cors-allowed-origins")
    )
    for host in ("mlflow.example.org", "mlflow:5000"):  # of people, and of runs
        assert is_allowed_host_header(hosts, host)
    assert not should_block_cors_request("https://mlflow.example.org", "POST", origins)
    for stranger in ("https://review.example.org", "https://evil.example", "null"):
        assert should_block_cors_request(stranger, "POST", origins)
    assert not is_allowed_host_header(hosts, "evil.example")


def test_a_secret_of_compose_comes_from_outside_and_is_asked_for():
    named = set()
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable) and variable not in PUBLIC:
                assert re.search(r"\$\{[A-Z0-9_]+:\?", str(value)), variable
                named.add(variable)
    assert len(named) > 8
    asked = set(re.findall(r"\$\{([A-Z0-9_]+):\?", (INFRA / "compose.yaml").read_text()))
    example = (INFRA / "compose.env.example").read_text()
    assert asked == set(re.findall(r"^([A-Z0-9_]+)=$", example, re.MULTILINE))


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_of_kubernetes_is_pinned_bounded_watched_and_not_root(name):
    container, pod = CONTAINERS[name], PODS[name.split("/")[0]]
    assert PINNED.fullmatch(container["image"])
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["automountServiceAccountToken"] is False
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert set(container["resources"]["limits"]) >= {"cpu", "memory"}
    if name.split("/")[0] not in ONCE:
        assert {"readinessProbe", "livenessProbe"} <= set(container)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_secret_of_kubernetes_comes_from_a_secret_object(name):
    for variable in CONTAINERS[name].get("env", ()):
        if SECRET.search(variable["name"]) and variable["name"] not in PUBLIC:
            assert set(variable["valueFrom"]) == {"secretKeyRef"}
    assert not [document for document in MANIFESTS if document["kind"] == "Secret"]


def test_each_kind_of_process_has_the_key_of_its_own_identity():
    expected = {
        "mlflow": "mlflow", "watcher": "watcher", "worker-gpu": "runs", "worker-cpu": "runs",
        "deploy": "operator", "review": "page",
    }  # fmt: skip
    found = {}
    for name, container in CONTAINERS.items():
        env = {variable["name"]: variable for variable in container.get("env", ())}
        if "AWS_ACCESS_KEY_ID" in env:
            key = env["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]["key"]
            assert env["AWS_ACCESS_KEY_ID"]["value"] == f"parley-{key}"
            found[name.split("/")[0]] = key
    assert found == expected


def test_nobody_talks_but_along_an_arrow():
    policies = {d["metadata"]["name"]: d["spec"] for d in MANIFESTS if d["kind"] == "NetworkPolicy"}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    reached = {}
    for name, spec in policies.items():
        if name.startswith("to-"):
            (rule,) = spec["ingress"]
            reached[name.removeprefix("to-")] = {
                peer["podSelector"]["matchLabels"]["app"] for peer in rule["from"]
            }
    left = {
        name.removeprefix("from-"): {
            rule["to"][0]["podSelector"]["matchLabels"]["app"] for rule in spec["egress"]
        }
        for name, spec in policies.items()
        if name.startswith("from-")
    }
    # An arrow is open at both of its ends, or it is none.
    assert {(a, b) for b, froms in reached.items() for a in froms} == {
        (a, b) for a, targets in left.items() for b in targets
    }
    assert reached["postgres"] == {"prefect", "mlflow"}
