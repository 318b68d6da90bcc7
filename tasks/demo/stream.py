"""Random numbers whose sequence no library may change.

Only the raw 64-bit words of PCG64 are used: numpy promises them for ever, unlike the methods of
its ``Generator``.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")


class RandomStream:
    """Draw the same numbers for the same key on every machine.

    Args:
        key: Non-negative integers that name the stream, e.g. (seed, split, class, image).
    """

    def __init__(self, *key: int) -> None:
        self._source = np.random.PCG64(np.random.SeedSequence(key))

    def unit(self) -> float:
        """Draw from [0, 1) in steps of 2^-53."""
        return float(int(self._source.random_raw()) >> 11) / float(1 << 53)

    def between(self, low: float, high: float) -> float:
        """Draw from [low, high)."""
        return low + (high - low) * self.unit()

    def integer(self, low: int, high: int) -> int:
        """Draw an integer from ``low`` to ``high``, both included."""
        return low + int(self._source.random_raw()) % (high - low + 1)

    def chance(self, share: float) -> bool:
        """Answer True in ``share`` of the draws."""
        return self.unit() < share

    def choice(self, items: Sequence[Item]) -> Item:
        """Draw one of the items."""
        return items[self.integer(0, len(items) - 1)]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """Return the items in random order (Fisher and Yates)."""
        out = list(items)
        for i in range(len(out) - 1, 0, -1):
            j = self.integer(0, i)
            out[i], out[j] = out[j], out[i]
        return out

    def octets(self, *shape: int) -> NDArray[np.int16]:
        """Draw an array of integers from 0 to 255."""
        size = int(np.prod(shape))
        words = self._source.random_raw((size + 7) // 8).astype("<u8")
        return words.view(np.uint8)[:size].reshape(shape).astype(np.int16)
