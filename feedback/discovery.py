"""Modules of a package that are found by name: a channel is added by adding files."""

import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType

from feedback.errors import IncompleteChannelError, UnknownChannelError


def available_modules(package: ModuleType) -> tuple[str, ...]:
    """Return the names of a package's modules, sorted.

    Args:
        package: The package.
    """
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__)))


def load_module(package: ModuleType, name: str, required: Sequence[str], remedy: str) -> ModuleType:
    """Import a module of a package that must have certain parts.

    Args:
        package: The package.
        name: Name of its file.
        required: Names that it must define.
        remedy: What to do about a name that is not there.

    Returns:
        The module.

    Raises:
        UnknownChannelError: If there is no such file.
        IncompleteChannelError: If the module lacks a part.
    """
    names = available_modules(package)
    if name not in names:
        raise UnknownChannelError(f"expected one of {', '.join(names)} (got {name!r}); {remedy}")
    module = importlib.import_module(f"{package.__name__}.{name}")
    missing = [part for part in required if not hasattr(module, part)]
    if missing:
        place = module.__name__.replace(".", "/")
        raise IncompleteChannelError(
            f"expected {', '.join(required)} in {place} (got none of: {', '.join(missing)}); "
            "add what is missing"
        )
    return module
