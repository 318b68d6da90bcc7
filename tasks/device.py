"""Where tensors are computed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def best_device() -> "torch.device":
    """Return the first CUDA device when there is one that works, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def describe_device(device: "torch.device | None" = None) -> str:
    """Return in words what tensors are computed on.

    Args:
        device: Where; None means the best device there is.
    """
    import torch

    device = device or best_device()
    if device.type == "cuda":
        return f"GPU {torch.cuda.get_device_name(device)}"
    return f"CPU, {torch.get_num_threads()} threads"


@contextmanager
def cpu_threads(n_threads: int) -> Iterator[None]:
    """Let tensors of threads that start within be computed on so many cores each.

    Args:
        n_threads: Cores per thread, at least 1.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
