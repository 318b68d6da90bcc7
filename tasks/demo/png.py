"""Masks as PNG files whose bytes depend on no compression library.

Stored deflate blocks, four bits per pixel.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

BLOCK = 65535
"""Largest stored block of deflate, bytes (RFC 1951, section 3.2.4)."""


def encode_grey4(values: NDArray[np.uint8], *, step: int = 1) -> bytes:
    """Encode small integers as a palette PNG of bit depth four.

    Args:
        values: Integers 0 to 15, (H, W).
        step: Grey levels between the palette's entries; 1 keeps values and greys equal.

    Returns:
        The file's bytes.

    Raises:
        ValueError: If a value needs more than four bits.
    """
    if values.ndim != 2 or int(values.max(initial=0)) > 15:
        raise ValueError(
            f"expected values 0 to 15 in (H, W) (got {values.shape}, max {values.max()})"
        )
    height, width = values.shape
    even = np.zeros((height, width + width % 2), dtype=np.uint8)
    even[:, :width] = values
    rows = np.zeros((height, 1 + even.shape[1] // 2), dtype=np.uint8)  # first octet: filter "none"
    rows[:, 1:] = (even[:, ::2] << 4) | even[:, 1::2]
    palette = b"".join(bytes((min(i * step, 255),) * 3) for i in range(16))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", _stored(rows.tobytes())),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Return length, type, data and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stored(data: bytes) -> bytes:
    """Return a zlib stream (RFC 1950) without compression."""
    out = [b"\x78\x01"]
    for start in range(0, len(data), BLOCK):
        piece = data[start : start + BLOCK]
        is_last = start + BLOCK >= len(data)
        out.append(struct.pack("<BHH", is_last, len(piece), len(piece) ^ 0xFFFF) + piece)
    return b"".join(out) + struct.pack(">I", zlib.adler32(data))
