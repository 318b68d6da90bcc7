"""What infra/ holds, as read by the tests of it."""

from pathlib import Path

import yaml

INFRA = Path(__file__).parents[1] / "infra"
COMPOSE = yaml.safe_load((INFRA / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
DEPLOYMENTS = {
    deployment["name"]: deployment
    for deployment in yaml.safe_load((INFRA / "prefect.yaml").read_text())["deployments"]
}
MANIFESTS = [
    document
    for path in sorted((INFRA / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
PODS = {
    document["metadata"]["name"]: document["spec"]["template"]["spec"]
    for document in MANIFESTS
    if document["kind"] in {"Deployment", "StatefulSet", "Job"}
}
CONTAINERS = {
    f"{name}/{container['name']}": container
    for name, pod in PODS.items()
    for container in pod["containers"]
}


def manifest(kind, name):
    """Return the one object of Kubernetes with a kind and a name."""
    (found,) = [d for d in MANIFESTS if d["kind"] == kind and d["metadata"]["name"] == name]
    return found


def env_of(name):
    """Return the variables of a container of Kubernetes, with those that pods share.

    One that comes from elsewhere stands as the dictionary that says where from.
    """
    container = CONTAINERS[name]
    shared = {}
    for source in container.get("envFrom", ()):
        shared |= manifest("ConfigMap", source["configMapRef"]["name"])["data"]
    own = container.get("env", ())
    return shared | {found["name"]: found.get("value", found.get("valueFrom")) for found in own}
