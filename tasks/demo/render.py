"""The demo set as files: rendered in worker processes, put in place by one rename."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from feedback.errors import DatasetError
from tasks.demo.plan import SPLITS, ScenePlan, plan_split
from tasks.demo.png import encode_grey4
from tasks.demo.raster import Pixels
from tasks.demo.scene import render_scene
from tasks.demo.shapes import PARTS

QUALITY = 90
CHUNK = 24

OnProgress = Callable[[int, int], None]


def render_demo(
    root: Path,
    *,
    seed: int = 0,
    image_size: int = 128,
    n_train: int = 70,
    n_test: int = 70,
    n_pool: int = 40,
    workers: int = 0,
    shortcut_share: float = 0.9,
    on_progress: OnProgress | None = None,
) -> None:
    """Render the demo set into a folder that does not exist yet.

    Writes ``train/<class>/``, ``test/<class>/`` and ``pool/`` (JPEG), ``masks/`` (1 object,
    2 background, 3 border), ``parts/`` (part ids), ``parts.json`` (their names) and ``meta.json``
    (cue, condition and true class of every file, for benchmarks only).

    Args:
        root: Folder to make; its parent must be writable.
        seed: Seed of everything that is drawn.
        image_size: Side of the images, pixels.
        n_train: Training images of each class.
        n_test: Test images of each class.
        n_pool: Pool images of each class.
        workers: Processes; 0 takes one per core. The files do not depend on it.
        shortcut_share: Share of a carrier's training images that carry its cue.
        on_progress: Called with the images done and the images in all.

    Raises:
        DatasetError: If ``root`` exists and is not an empty folder, or the disk cannot be written;
            nothing is left behind then.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DatasetError(
            f"expected a folder that is missing or empty (got {root}); remove it or name another"
        )
    counts = {"train": n_train, "test": n_test, "pool": n_pool}
    plans = [
        plan
        for split in SPLITS
        if counts[split]
        for plan in plan_split(split, seed, counts[split], shortcut_share)
    ]
    staging: Path | None = None
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
        for done in _write_all(staging, plans, image_size, workers or (os.cpu_count() or 1)):
            if on_progress is not None:
                on_progress(done, len(plans))
        _write_json(staging / "parts.json", {str(i): name for i, name in enumerate(PARTS)})
        _write_json(staging / "meta.json", {f"{p.split}/{p.name}.jpg": describe(p) for p in plans})
        staging.chmod(0o755)  # mkdtemp makes it private
        if root.exists():
            root.rmdir()
        staging.rename(root)
    except OSError as error:
        raise DatasetError(
            f"expected to write the demo set to {root} (got {error}); nothing was left there, "
            f"check permissions and disk space"
        ) from error
    finally:
        if staging is not None:  # gone already when it was put in place
            shutil.rmtree(staging, ignore_errors=True)


def describe(plan: ScenePlan) -> dict[str, str | None]:
    """Return what ``meta.json`` says about an image."""
    return {"class": plan.class_name, "cue": plan.cue, "condition": plan.condition}


def encode_jpeg(pixels: Pixels) -> bytes:
    """Encode an image (H, W, 3) with settings that leave the encoder no choice."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(
        buffer, "JPEG", quality=QUALITY, subsampling="4:2:0", optimize=False, progressive=False
    )
    return buffer.getvalue()


def write_image(root: Path, plan: ScenePlan, image_size: int) -> None:
    """Render one image and write it with its two masks."""
    scene = render_scene(plan, image_size)
    (root / plan.split / f"{plan.name}.jpg").write_bytes(encode_jpeg(scene.pixels))
    (root / "masks" / plan.split / f"{plan.name}.png").write_bytes(encode_grey4(scene.mask))
    (root / "parts" / plan.split / f"{plan.name}.png").write_bytes(encode_grey4(scene.parts))


def photograph(plans: list[ScenePlan], image_size: int) -> tuple[Pixels, Pixels, Pixels]:
    """Render images and decode them from the bytes that their files would hold.

    Args:
        plans: What they show.
        image_size: Side of the images, pixels.

    Returns:
        Pixels (B, H, W, 3), foreground masks (B, H, W) and part ids (B, H, W), uint8.
    """
    from PIL import Image

    pixels, masks, parts = [], [], []
    for plan in plans:
        scene = render_scene(plan, image_size)
        with Image.open(BytesIO(encode_jpeg(scene.pixels))) as photo:
            pixels.append(np.asarray(photo.convert("RGB")))
        masks.append(scene.mask)
        parts.append(scene.parts)
    return np.stack(pixels), np.stack(masks), np.stack(parts)


def _write_chunk(root: Path, plans: list[ScenePlan], image_size: int) -> int:
    """Write some images; runs in a worker process."""
    for plan in plans:
        write_image(root, plan, image_size)
    return len(plans)


def _write_all(root: Path, plans: list[ScenePlan], image_size: int, workers: int) -> Iterator[int]:
    """Write all images and yield how many are done."""
    for folder in {
        (f"{kind}{p.split}/{p.name}").rpartition("/")[0]
        for p in plans
        for kind in ("", "masks/", "parts/")
    }:
        (root / folder).mkdir(parents=True, exist_ok=True)
    chunks = [plans[i : i + CHUNK] for i in range(0, len(plans), CHUNK)]
    done = 0
    if workers == 1 or len(chunks) == 1:
        for chunk in chunks:
            done += _write_chunk(root, chunk, image_size)
            yield done
        return
    # Forking a process that holds threads of a tensor library can hang; a fork server cannot.
    with ProcessPoolExecutor(
        min(workers, len(chunks)), mp_context=get_context("forkserver")
    ) as pool:
        for n in pool.map(_write_chunk, [root] * len(chunks), chunks, [image_size] * len(chunks)):
            done += n
            yield done


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON with sorted keys and a final newline."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
