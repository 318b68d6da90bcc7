"""What code a stage computes with: its module and everything of ours that it imports, at any depth.

Read from the source without importing anything, so that a key is cheap to compute. Plumbing that
moves results about without changing them is left out: a change there must not recompute a network.
"""

import ast
import functools
import hashlib
import importlib.util
from pathlib import Path

OURS = ("models", "tasks", "feedback")
PLUMBING = (
    "tasks.artifacts",
    "tasks.exchange",
    "tasks.gpu",
    "tasks.progress",
    "tasks.records",
    "tasks.registry",
    "tasks.settings",
    "tasks.source",
    "tasks.stage",
    "tasks.tracking",
    "tasks.tracking_store",
    "tasks.work",
    "tasks.workplace",
    "feedback.errors",
    "feedback.store",
)


@functools.cache
def source_digest(module: str) -> str:
    """Return the sha256 over a module's source and that of all it imports from this project.

    Args:
        module: Dotted name.

    Returns:
        A hex digest that changes when any of these files does.

    Raises:
        ValueError: If there is no such module.
    """
    digest = hashlib.sha256()
    for name in sorted(imported_modules(module)):
        digest.update(f"{name}\0".encode())
        digest.update(_file(name).read_bytes())
    return digest.hexdigest()


def imported_modules(module: str) -> frozenset[str]:
    """Return ``module`` and every module of ours that it imports, directly or not."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _direct_imports(name)
    return frozenset(found)


@functools.cache
def _direct_imports(module: str) -> tuple[str, ...]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(_file(module).read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # Modules that are loaded by name, such as the architectures of the classifier.
            names.add(node.value)
    ours = {name for name in names if name.split(".")[0] in OURS and name not in PLUMBING}
    return tuple(sorted(name for name in ours if _find(name) is not None))


def _file(module: str) -> Path:
    found = _find(module)
    if found is None:
        raise ValueError(f"expected an importable module (got {module!r})")
    return found


@functools.cache
def _find(module: str) -> Path | None:
    """Return a module's file. Looks at folders alone: ``find_spec`` would import the parents."""
    top, *parts = module.split(".")
    spec = importlib.util.find_spec(top) if top.isidentifier() else None
    if spec is None or not all(part.isidentifier() for part in parts):
        return None
    if not parts:
        return Path(spec.origin) if spec.origin else None
    for root in spec.submodule_search_locations or ():
        path = Path(root, *parts)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None
