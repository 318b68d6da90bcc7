"""What ``parley up`` starts is told one policy: watcher, runs, previews and page."""

import pytest

from flows.commands import up
from flows.params import load_params
from flows.ports import Ports
from flows.rules import chosen_rule
from tasks.settings import Settings


def told_policy(service):
    command = list(service.command)
    return command[command.index("--policy") + 1]


def test_watcher_previews_and_page_close_requests_by_one_policy(settings, monkeypatch):
    monkeypatch.setattr(up.importlib.util, "find_spec", lambda name: object())
    _, started = up.services(
        settings, Ports(1, 2, 3), None, ("review.policy=ships.yaml",), policy="ships.yaml",
        cron=None,
    )  # fmt: skip
    found = {service.name: service for service in started}
    for name in ("watcher", "previews", "page"):
        assert told_policy(found[name]) == "ships.yaml"
    assert "--set=review.policy=ships.yaml" in found["flows"].command


@pytest.mark.parametrize(
    ("option", "params", "environment", "chosen"),
    [
        ("a", "b", "c", "a"),
        ("", "b", "c", "b"),
        ("", "single", "c", "single"),
        ("", None, "c", "c"),
        ("", None, None, "single"),
    ],
)
def test_the_command_line_comes_before_parameters_and_those_before_the_environment(
    monkeypatch, option, params, environment, chosen
):
    if environment is not None:
        monkeypatch.setenv("PARLEY_POLICY", environment)
    given = () if params is None else (f"review.policy={params}",)
    assert chosen_rule(load_params(None, given).review, Settings(), option) == chosen
