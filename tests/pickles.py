"""Finding pickles by their content, wherever they hide."""

import io
import pickletools
import zipfile
import zlib
from collections.abc import Iterator, Mapping

# What a pickle needs to do anything but hold plain data.
DOES_SOMETHING = {"GLOBAL", "REDUCE", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "BUILD"}


def unpacked(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield content as it lies there, and what archives and compressed streams hold of it."""
    yield name, data
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from unpacked(f"{name}!{member}", archive.read(member))
    elif data[:1] == b"\x78":
        try:
            yield f"{name}!inflated", zlib.decompress(data)
        except zlib.error:
            return


def is_pickle(data: bytes) -> bool:
    """Tell a pickle by its first opcode, or, of the oldest protocols, by what it does."""
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    try:
        # To the end: many a text begins like one.
        names = [op.name for op, _, _ in pickletools.genops(data)]
    except Exception:
        return False
    return not DOES_SOMETHING.isdisjoint(names)


def pickles(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of all pickles in files and in what they hold, but the tolerated ones."""
    found = [
        inner
        for name, data in files.items()
        for inner, content in unpacked(name, data)
        if is_pickle(content)
    ]
    return [name for name in found if not _is_sample_input(name, files)]


def _is_sample_input(name: str, files: Mapping[str, bytes]) -> bool:
    """Whether it belongs to the example inputs that torch insists on keeping in a pt2 archive.

    They are tolerated as long as the unpickler that knows nothing but tensors reads them.
    """
    import torch

    archive, _, member = name.partition("!")
    record, _, rest = member.partition("!")
    if not record.endswith("data/sample_inputs/model.pt") or not rest.endswith("/data.pkl"):
        return False
    with zipfile.ZipFile(io.BytesIO(files[archive])) as opened:
        (inputs, keywords) = torch.load(io.BytesIO(opened.read(record)), weights_only=True)
    return keywords == {} and all(isinstance(value, torch.Tensor) for value in inputs)
