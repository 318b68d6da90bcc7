"""A second device without a GPU: tensors know where they pretend to be, and mixing them raises.

Arithmetic stays on the CPU, so that what a stage leaves behind must be the same bits as without it;
a tensor that was left behind on the other side of the border raises as it would on a real GPU. The
rules are PyTorch's: one device per operation, but for scalars of the CPU and for indices.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

GPU = torch.device("cuda", 0)
CPU = torch.device("cpu")
_ACROSS = frozenset(["copy_", "set_", "_has_compatible_shallow_copy_type", "__set__"])
"""What may look at two devices at once."""
_INDEXED = frozenset(["__getitem__", "__setitem__"])
_NO_SCALARS = frozenset(
    ["cat", "stack", "gather", "scatter", "scatter_add", "scatter_add_", "index_add_", "isin",
     "index_copy", "index_select", "linear", "conv2d", "batch_norm", "bmm", "addmm", "searchsorted"]
)  # fmt: skip
"""Functions that take not even a scalar of another device."""
HEAVY = frozenset(["conv2d", "linear", "bmm", "addmm", "max_pool2d", "backward"])
"""What must not be computed on the CPU when there is a GPU."""
_HOST_ONLY = frozenset(["numpy", "__array__"])
_ALREADY = frozenset(["is_cuda", "device", "get_device"])


class PretendedGpu(TorchFunctionMode):
    """Within it, ``torch.device("cuda")`` can be computed on.

    Attributes:
        heavy: Which of ``HEAVY`` were computed where.
    """

    def __init__(self, *, rounds: bool) -> None:
        super().__init__()
        self.heavy: dict[str, set[str]] = {"cpu": set(), "cuda": set()}
        self.rounds = rounds

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        owner = getattr(getattr(func, "__self__", None), "__name__", "")
        if name == "__get__" and owner in _ALREADY:
            place = _place(args[0])
            return place.type == "cuda" if owner == "is_cuda" else place
        given = list(_tensors((args, kwargs)))
        if name in ("to", "cuda", "cpu"):
            return self._to(func, name, args, kwargs)
        if name in _HOST_ONLY and _place(args[0]) != CPU:
            raise TypeError("can't convert cuda:0 device type tensor to numpy; use .cpu() first")
        asked = kwargs.get("device")
        target = None if asked is None else _known(asked)
        if target is not None:
            kwargs["device"] = CPU
        place = self._common_place(name, args, given) if given else CPU
        place = target or place
        if kwargs.get("generator") is not None and place != CPU:
            raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
        if name in HEAVY:
            self.heavy[place.type].add(name)
        if self.rounds and place != CPU and name == "conv2d":
            args = tuple(_to_ten_bits(one) if isinstance(one, Tensor) else one for one in args)
        result = func(*args, **kwargs)
        if name == "__set__" and owner == "data":
            _put(args[0], _place(args[1]))
        elif name not in _ACROSS and name != "__delete__":
            for tensor in _tensors(result):
                _put(tensor, place)
        return result

    def _to(
        self, func: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        tensor, *rest = args
        target = {"cuda": GPU, "cpu": CPU}.get(name)
        if name == "to":
            found = [
                _place(one) if isinstance(one, Tensor) else _known(one)
                for one in (*rest, kwargs.get("device"))
                if isinstance(one, Tensor | torch.device | str)
            ]
            target = found[0] if found else None
        before = _place(tensor)
        target = target or before
        if name == "to":
            plain = [CPU if isinstance(one, torch.device | str) else one for one in rest]
            plain = [None if isinstance(one, Tensor) and not rest[1:] else one for one in plain]
            kwargs.pop("device", None)
            if rest and isinstance(rest[0], Tensor):
                plain = [rest[0].dtype]
            moved = func(tensor, *plain, **kwargs) if plain or kwargs else tensor
        else:
            moved = tensor
        if target != before:
            # As on a real device: what is moved is a copy, and stays in the graph.
            moved = moved.clone() if moved is tensor else moved
        if moved is not tensor:
            _put(moved, target)
        return moved

    def _common_place(self, name: str, args: tuple[Any, ...], given: list[Tensor]) -> torch.device:
        if name in _ACROSS:
            return _place(args[0]) if isinstance(args[0], Tensor) else CPU
        if name in _INDEXED:
            # A GPU's tensor takes indices of the CPU; one of the CPU takes none of a GPU.
            own = _place(args[0])
            for other in _tensors(args[1:]):
                if own == CPU and _place(other) != CPU:
                    raise RuntimeError(f"{name}: indices or values on {GPU}, tensor on the CPU")
            values = args[2] if len(args) > 2 else None
            if isinstance(values, Tensor) and values.ndim and _place(values) != own:
                raise RuntimeError(f"{name}: values on {_place(values)}, tensor on {own}")
            return own
        places = {
            _place(one) for one in given if one.ndim or name in _NO_SCALARS or _place(one) != CPU
        }
        if len(places) > 1:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"cuda:0 and cpu! (in {name})"
            )
        return places.pop() if places else CPU


@contextmanager
def pretended_gpu(*, rounds: bool = False) -> Iterator[PretendedGpu]:
    """Let this thread compute on a GPU that is not there.

    Args:
        rounds: Let convolutions there round their inputs, as those of a real one do.
    """
    with PretendedGpu(rounds=rounds) as mode:
        yield mode


def _to_ten_bits(values: Tensor) -> Tensor:
    """Round as TF32 does: ten bits after the first one, and the gradient of no rounding."""
    if values.dtype != torch.float32:
        return values
    mantissa, exponent = torch.frexp(values.detach())
    rounded = torch.ldexp((mantissa * 2**11).round() / 2**11, exponent)
    return values + (rounded - values.detach())


def _place(tensor: Tensor) -> torch.device:
    return getattr(tensor, "_pretended_place", CPU)


def _put(tensor: Tensor, place: torch.device) -> None:
    tensor._pretended_place = place


def _known(device: Any) -> torch.device:
    return GPU if torch.device(device).type == "cuda" else CPU


def _tensors(value: Any) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)
