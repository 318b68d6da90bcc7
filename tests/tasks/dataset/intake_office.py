"""A versioned dataset, a store with images from use, and somebody who takes them in."""

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import yaml
from PIL import Image

from feedback.intake import IntakeReceipt
from tasks.dataset import version
from tasks.dataset.intake import take_in
from tests.feedback.memory import MemoryStore


def picture(seed, kind="PNG", size=(20, 12)):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


class Clock:
    """Every object is a minute younger than the one before."""

    def __init__(self):
        self.now = datetime(2026, 11, 21, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(minutes=1)
        return self.now


class Office:
    """A versioned dataset and a store; DVC is a file with the folder's md5."""

    def __init__(self, data):
        self.data, self.store, self.pushed = data, MemoryStore(Clock()), []
        self.record = data.with_name("data.dvc")

    def add(self, folder):
        md5 = version.folder_md5(folder)
        self.record.write_text(yaml.safe_dump({"outs": [{"md5": md5, "path": "data"}]}))
        return md5

    def take(self, store=None, **changes):
        return take_in(store or self.store, self.data, **{"max_images": 10} | changes)

    def pool(self):
        return sorted(p.name for p in (self.data / "pool").iterdir())

    def contents(self):
        return sorted(p.read_bytes() for p in (self.data / "pool").iterdir())

    def receipts(self):
        found = [self.store.get(info.key) for info in self.store.list("intaken/")]
        return [IntakeReceipt.model_validate_json(data, strict=True) for data in found]

    def outcomes(self):
        return {receipt.name: receipt.outcome for receipt in self.receipts()}
