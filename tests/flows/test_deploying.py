"""What a file of deployments may hold, and what is said of one that holds something else."""

import pytest
import yaml

from feedback.errors import ParamsError
from flows.deploying import deploy_file, read_deployments
from tests.e2e.servers import ROOT

GOOD = {"name": "watch", "entrypoint": "flows.watch.watch", "work_pool": {"name": "cpu"}}
UNKNOWN_STRATEGY = {"limit": 1, "collision_strategy": "DROP"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("deployments: [", "expected YAML with a list"),
        ("nothing: here", "expected YAML with a list"),
        (yaml.safe_dump({"deployments": [GOOD | {"cron": "0 2 * * 1"}]}), "cron: Extra inputs"),
        (
            yaml.safe_dump({"deployments": [GOOD | {"concurrency_limit": UNKNOWN_STRATEGY}]}),
            "concurrency_limit.collision_strategy: Input should be 'ENQUEUE' or 'CANCEL_NEW'",
        ),
        (yaml.safe_dump({"deployments": [GOOD | {"entrypoint": "os.system"}]}), "entrypoint"),
        (yaml.safe_dump({"deployments": [GOOD | {"entrypoint": "flows.watch.no"}]}), "got none"),
        (
            yaml.safe_dump({"deployments": [GOOD | {"entrypoint": "flows.watch.keep_watch"}]}),
            "expected a flow at flows.watch.keep_watch",
        ),
    ],
)
def test_a_file_of_something_else_is_refused_before_anything_is_deployed(
    tmp_path, content, message
):
    (tmp_path / "file.yaml").write_text(content)
    with pytest.raises(ParamsError, match=message):
        deploy_file(tmp_path / "file.yaml")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ParamsError, match="No such file"):
        deploy_file(tmp_path / "none.yaml")


def test_the_parameters_of_the_shipped_deployments_are_those_of_their_flows():
    import importlib

    for spec in read_deployments(ROOT / "infra" / "prefect.yaml"):
        module, _, name = spec.entrypoint.rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        assert set(spec.parameters) <= set(flow.parameters.properties)
