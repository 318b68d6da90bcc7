"""Putting the deployments of a file on a Prefect server.

``prefect deploy`` does the same with more questions, but that of Prefect 3.8.8 asks its own server
something that the server refuses with FastAPI 0.154, and ends after the first deployment.
"""

import importlib
from pathlib import Path
from typing import Annotated

import yaml
from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.types.entrypoint import EntrypointType
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from feedback.errors import OrchestrationError, ParamsError


class ScheduleSpec(BaseModel):
    """When a deployment runs by itself: one of the two."""

    model_config = ConfigDict(extra="forbid")

    cron: str | None = None
    interval: Annotated[float, Field(gt=0)] | None = None


class PoolSpec(BaseModel):
    """Work pool of a deployment."""

    model_config = ConfigDict(extra="forbid")

    name: str


class DeploymentSpec(BaseModel):
    """One deployment of the file."""

    model_config = ConfigDict(extra="forbid")

    name: str
    description: str = ""
    entrypoint: Annotated[str, Field(pattern=r"^flows(\.[a-z_]+)+$")]
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    concurrency_limit: ConcurrencyLimitConfig | None = None
    schedules: Annotated[list[ScheduleSpec], Field(max_length=1)] = Field(default_factory=list)
    work_pool: PoolSpec


def deploy_file(path: Path) -> list[str]:
    """Put every deployment of a file on the server, replacing those of the same name.

    Args:
        path: A file like ``infra/prefect.yaml``.

    Returns:
        Their names.

    Raises:
        ParamsError: If the file cannot be read or holds something else.
        OrchestrationError: If the server refuses one, such as for a work pool that is not there.
    """
    deployments = [(spec, _flow(spec)) for spec in read_deployments(path)]
    return [_deploy(spec, found) for spec, found in deployments]


def read_deployments(path: Path) -> list[DeploymentSpec]:
    """Read the deployments of a file.

    Raises:
        ParamsError: If the file cannot be read or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [DeploymentSpec.model_validate(spec) for spec in content["deployments"]]
    except OSError as error:
        raise ParamsError(
            f"expected a file of deployments at {path} ({error.strerror}); check the path"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ParamsError(
            f"expected deployments in {path} (got {where}: {first['msg']}); correct it"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ParamsError(
            f"expected YAML with a list 'deployments' in {path} (got another file); correct it"
        ) from error


def _flow(spec: DeploymentSpec) -> "Flow[..., object]":
    module, _, name = spec.entrypoint.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ParamsError(f"expected a flow at {spec.entrypoint} (got none); correct it") from error
    if not isinstance(found, Flow):
        raise ParamsError(f"expected a flow at {spec.entrypoint} (got {type(found).__name__})")
    return found


def _deploy(spec: DeploymentSpec, found: "Flow[..., object]") -> str:
    from prefect.deployments.runner import DeploymentApplyError, RunnerDeployment

    when = spec.schedules[0] if spec.schedules else ScheduleSpec()
    deployment = RunnerDeployment.from_flow(
        found,
        name=spec.name,
        description=spec.description,
        parameters=dict(spec.parameters),
        cron=when.cron,
        interval=when.interval,
        concurrency_limit=spec.concurrency_limit,
        work_pool_name=spec.work_pool.name,
        # By module: workers have Parley installed, wherever they were started.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    try:
        deployment.apply()
    except DeploymentApplyError as error:
        raise OrchestrationError(
            f"expected the Prefect server to take the deployment {spec.name} (got: "
            f"{' '.join(str(error).split())}); create the work pool {spec.work_pool.name} first"
        ) from error
    return spec.name
