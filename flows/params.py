"""All parameters of a run: one frozen object, read from one ``params.yaml``.

Each algorithm's parameters live beside the algorithm; this file only composes them. A channel's own
parameters sit under ``channels.<name>`` and are validated by the class that
``models/<name>/params.py`` defines.
"""

import importlib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator

from feedback.errors import ParamsError
from feedback.follow_up import MOST_FOLLOW_UPS
from models.params import (
    ClassifierParams,
    DistillationParams,
    Params,
    PromotionParams,
    TrainingParams,
)
from tasks.fan_out import FanOutParams

_MAX_SHOWN = 120
"""Characters of a refused value that an error repeats."""


class ReviewParams(Params):
    """Whom the run asks, and how long it waits."""

    reviewer: Annotated[str, Field(pattern=r"^(simulated|inbox|file:.+)$")] = "simulated"
    """``simulated``, ``inbox`` (wait for people), or ``file:PATH`` (submit that document, then go
    on)."""
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] = 0.5
    """Pause between two looks into the store while waiting."""
    deadline_hours: Annotated[float, Field(gt=0)] | None = None
    """When an unanswered request expires; None takes the policy's, or 168 where it has none. Expiry
    never promotes."""
    wait: Literal["auto", "poll", "suspend"] = "auto"
    """How people are waited for: ``suspend`` ends the process and is for deployed runs, ``poll``
    keeps it; ``auto`` suspends where it can."""
    policy: Annotated[str, Field(min_length=1)] = "single"
    """Rule by which answers become a decision: ``single``, ``signed``, or a policy file. Where none
    is named, a run that asks people takes the installation's, ``PARLEY_POLICY``."""
    trusted_policies: tuple[str, ...] = ()
    """Other rules whose earlier decisions on the same evidence are taken."""
    follow_ups: Annotated[int, Field(ge=0, le=MOST_FOLLOW_UPS)] = 2
    """How often a request that is waited for is asked about once more, with what was said and the
    edits so far, when it ends CHANGES_REQUESTED or PARTIAL, or its approval went stale; 0 never."""


class IntakeParams(Params):
    """Unlabelled images from use, which deployed runs take from the store into the pool."""

    enabled: bool = True
    """Take them in before a deployed run whose dataset DVC versions; `parley data intake` does it
    by hand."""
    max_images: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Most images taken at a time, the newest first; the others wait."""
    min_images: Annotated[int, Field(ge=1, le=100_000)] = 1
    """With fewer new images than this none is taken yet: every intake is a new dataset."""
    max_bytes: Annotated[int, Field(ge=1, le=2**30)] = 32 * 2**20
    """Largest file that is taken."""


class PipelineParams(Params):
    """Everything that decides what a run computes."""

    channel: str = "concept_graph"
    """Channel through which people and the network talk."""
    data: str = "data"
    """Folder of the dataset, with ``train/<class>``, ``test/<class>``, and optional ``masks/`` and
    ``pool/``."""
    unversioned_data: Literal["refuse", "allow"] = "refuse"
    """What to do when the working ``data/`` differs from ``data.dvc``."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of the split, the initial weights, the batches and every sampling that follows."""
    model_name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = "parley"
    """Name of the registered model."""
    classifier: ClassifierParams = ClassifierParams()
    training: TrainingParams = TrainingParams()
    intake: IntakeParams = IntakeParams()
    review: ReviewParams = ReviewParams()
    distillation: DistillationParams = DistillationParams()
    promotion: PromotionParams = PromotionParams()
    fan_out: FanOutParams = FanOutParams()
    channels: Annotated[dict[str, SerializeAsAny[Params]], Field(default_factory=dict)]
    """Parameters of single channels, by name; a channel left out runs on its defaults."""

    @field_validator("channels", mode="before")
    @classmethod
    def _by_their_own_class(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: _of_own_class(name, settings) for name, settings in value.items()}

    @model_validator(mode="after")
    def _channel_exists(self) -> "PipelineParams":
        channel_params_class(self.channel)
        return self

    @property
    def data_path(self) -> Path:
        """Folder of the dataset."""
        return Path(self.data)

    def of_channel(self) -> Params:
        """Return the parameters of the chosen channel, its defaults when none were given."""
        return self.channels.get(self.channel) or channel_params_class(self.channel)()


def _of_own_class(name: str, settings: object) -> Params:
    if isinstance(settings, Params):
        return settings
    try:
        return channel_params_class(name).model_validate(settings)
    except ValidationError as error:
        # Pydantic would leave the channel's name out of where the error is.
        raise ValueError(_readable(error, name)) from error


def channel_params_class(name: str) -> type[Params]:
    """Return the parameters class of channel ``name``, found by that name in CamelCase.

    Raises:
        ValueError: If there is no such channel; pydantic turns it into a readable error.
    """
    if not name.isidentifier():
        raise ValueError(f"expected the name of a channel (got {name!r}); see `parley channels`")
    try:
        module = importlib.import_module(f"models.{name}.params")
    except ModuleNotFoundError as error:
        raise ValueError(f"no channel named {name!r}; `parley channels` lists them") from error
    camel = "".join(part.capitalize() for part in name.split("_"))
    found: type[Params] = getattr(module, f"{camel}Params")
    return found


def load_params(path: Path | None, overrides: tuple[str, ...] = ()) -> PipelineParams:
    """Read parameters from a YAML file and apply ``key=value`` overrides.

    In both, a key that starts with a channel's name stands for that key below ``channels``.

    Args:
        path: The file; None starts from the defaults.
        overrides: ``key.of.parameter=value`` with the value in YAML.

    Returns:
        The validated parameters.

    Raises:
        ParamsError: If the file cannot be read, or a parameter is unknown or out of range.
    """
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ParamsError(
                f"expected a parameter file at {path} (got: {error.strerror}); check --params"
            ) from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ParamsError(
                f"expected YAML in {path} (got: {_line(error)}); mend the file"
            ) from error
        if loaded is not None and not isinstance(loaded, dict):
            raise ParamsError(
                f"expected a mapping in {path} (got {type(loaded).__name__}); "
                "`parley params` prints one"
            )
        tree = _below_channels(loaded or {}, path)
    for override in overrides:
        _apply(tree, override)
    try:
        return PipelineParams.model_validate(tree)
    except ValidationError as error:
        raise ParamsError(_readable(error)) from error


def _below_channels(tree: dict[str, Any], path: Path) -> dict[str, Any]:
    """Move a channel's parameters to where they belong, as ``--set`` does with its name."""
    short = [name for name in tree if name not in PipelineParams.model_fields and has_params(name)]
    channels = tree.get("channels") or {}
    if not short or not isinstance(channels, dict):
        return tree
    twice = [name for name in short if name in channels]
    if twice:
        raise ParamsError(
            f"expected the parameters of {twice[0]!r} once in {path} (got them below 'channels' as "
            "well); join them"
        )
    rest = {name: value for name, value in tree.items() if name not in short}
    return rest | {"channels": channels | {name: tree[name] for name in short}}


def has_params(name: object) -> bool:
    """Tell whether ``name`` is that of a channel whose parameters are known."""
    try:
        return bool(channel_params_class(str(name)))
    except (ValueError, AttributeError):
        return False


def check_in_process(params: PipelineParams) -> None:
    """Refuse what a run of this process cannot do.

    Args:
        params: All parameters.

    Raises:
        ParamsError: If the run is to suspend, which only a deployed one can.
    """
    if params.review.wait == "suspend":
        raise ParamsError(
            "expected review.wait=auto or poll in a run of this process (got 'suspend', which only "
            "deployed runs can); leave it out, or start the run from `parley up`"
        )


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = key.split(".")
    if not equals or not all(parts):
        raise ParamsError(
            f"expected --set key=value (got {override!r}); `parley params` prints all keys"
        )
    if parts[0] not in PipelineParams.model_fields and len(parts) > 1:
        parts = ["channels", *parts]
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ParamsError(
            f"expected a YAML value in --set {override!r} (got: {_line(error)}); quote it"
        ) from error
    node = tree
    for part in parts[:-1]:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise ParamsError(
                f"expected {part!r} of --set {override!r} to be a group of parameters "
                f"(got {child!r}); `parley params` prints all keys"
            )
        node = child
    node[parts[-1]] = value


def _line(error: object) -> str:
    """Return a message of several lines, as the YAML reader's, in one."""
    return " ".join(str(error).split())


def _readable(error: ValidationError, *group: str) -> str:
    first, *others = error.errors()
    where = ".".join((*group, *(str(part) for part in first["loc"])))
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "extra_forbidden":
        return f"unknown parameter {where!r}{more}; `parley params` prints all of them"
    if first["type"] == "value_error":
        # A sentence of ours: it says what was got, and that of a channel where.
        reason = str(first["ctx"]["error"])
        return f"{reason if where in ('', 'channels') else f'{where}: {reason}'}{more}"
    got = _line(repr(first["input"]))[:_MAX_SHOWN]
    return f"{where}: {first['msg']} (got {got}){more}; `parley params` prints the defaults"
