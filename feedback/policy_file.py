"""Reading a policy from a YAML or JSON file, and the packaged policies by name."""

import json
from collections.abc import Callable, Hashable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from feedback.errors import PolicyError
from feedback.policy import Policy, signed_policy, single_policy

PACKAGED: Mapping[str, Callable[[], Policy]] = {"single": single_policy, "signed": signed_policy}
"""Policies that need no file."""

MAX_POLICY_BYTES = 262_144
"""Largest policy file that is read."""


def load_policy(name: str) -> Policy:
    """Read a policy.

    Args:
        name: ``single``, ``signed``, or the path of a YAML or JSON file.

    Returns:
        The policy.

    Raises:
        PolicyError: If the file cannot be read or is not a policy that can be met.
    """
    if name in PACKAGED:
        return PACKAGED[name]()
    path = Path(name).expanduser()
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise PolicyError(
            f"expected {', '.join(PACKAGED)} or a policy file (got {name!r}: {error.strerror}); "
            "check the path"
        ) from error
    if len(data) > MAX_POLICY_BYTES:
        raise PolicyError(f"expected at most {MAX_POLICY_BYTES} bytes in {path} (got more)")
    return parse_policy(data, str(path))


def parse_policy(data: bytes, where: str) -> Policy:
    """Read a policy from the bytes of a YAML or JSON file.

    Args:
        data: Text, UTF-8.
        where: Name of the file, for the message.

    Returns:
        The policy.

    Raises:
        PolicyError: If it is not a policy that can be met.
    """
    value = _load_yaml(data, where)
    try:
        # JSON in between: strict mode reads its arrays as tuples and its strings as moments.
        text = json.dumps(value, default=_written, allow_nan=False)
        return Policy.model_validate_json(text, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PolicyError(
            f"expected a policy in {where} (got {error.error_count()} problems, {place or 'all'}: "
            f"{first['msg']}); correct it"
        ) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise PolicyError(f"expected plain values in {where} (got: {error}); correct it") from None


def _load_yaml(data: bytes, where: str) -> object:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Refuses what one reader would see and another overlook: two equal keys, references."""

        def construct_mapping(
            self, node: yaml.MappingNode, deep: bool = False
        ) -> dict[Hashable, Any]:
            keys = [str(key.value) for key, _ in node.value]
            if len(set(keys)) != len(keys) or "<<" in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, "expected each key once", node.start_mark
                )
            found: dict[Hashable, Any] = super().construct_mapping(node, deep)
            return found

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise yaml.composer.ComposerError(None, None, "expected no references", None)
            found: yaml.Node | None = super().compose_node(parent, index)
            return found

    try:
        value: object = yaml.load(data, Loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise PolicyError(f"expected YAML or JSON in {where} (got: {told}); correct it") from None
    return value


def _written(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__}")
