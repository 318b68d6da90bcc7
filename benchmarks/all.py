"""Every benchmark, one after the other, then the README's tables.

    make bench

Takes hours on two cores. The photographs and weights of the pets37 benchmarks are looked for in
``../shared``; without them these are left out and said so.
"""

import logging
import subprocess
import sys
from pathlib import Path

from tasks.device import best_device

PETS = Path("../shared/data/pets37")
WEIGHTS = Path("../shared/weights/squeezenet1_1_imagenet_fp16.safetensors")
ALWAYS = (
    ("benchmarks.reasoner",),
    ("benchmarks.mining", "--arch", "resnet18", "--quality"),
    ("benchmarks.mining", "--arch", "vgg16"),
    ("benchmarks.mining", "--arch", "squeezenet1_1"),
    ("benchmarks.throughput", "--device", "cpu"),
    ("benchmarks.penalty",),
    ("benchmarks.overhead",),
    ("benchmarks.startup",),
    ("benchmarks.page",),
    ("benchmarks.page", "--link"),
    ("benchmarks.history",),
    ("benchmarks.resume",),
    ("benchmarks.resume_servers",),
    ("benchmarks.kills",),
    ("benchmarks.kills", "--channel", "saliency_grid", "--kills", "100", "--seed", "3"),
    ("benchmarks.correction", "demo"),
    ("benchmarks.carrying", "--first-seed", "11", "--seeds", "4"),
    ("benchmarks.saliency", "decoy"),
    ("benchmarks.saliency", "decoy_all"),
    ("benchmarks.saliency", "demo"),
)
ON_A_GPU = tuple(
    (*(part for part in command if part not in ("--device", "cpu")), "--device", "cuda")
    for command in ALWAYS[1:5]
)
"""Mining and throughput once more; the other benchmarks take what there is by themselves."""
WITH_PHOTOGRAPHS = (
    ("benchmarks.correction", "pets37_planted", "--pets", str(PETS), "--weights", str(WEIGHTS)),
    ("benchmarks.correction", "pets37_natural", "--pets", str(PETS), "--weights", str(WEIGHTS)),
    ("benchmarks.carrying", "--data", str(PETS), "--weights", str(WEIGHTS), "--seeds", "5"),
    ("benchmarks.saliency", "pets37", "--pets", str(PETS), "--weights", str(WEIGHTS)),
)


def main() -> None:
    """Run all benchmarks; a failed one does not stop the others."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logger = logging.getLogger("benchmarks.all")
    wanted = ALWAYS
    if best_device().type == "cuda":
        wanted += ON_A_GPU
    else:
        logger.warning("no GPU: what it would compute is measured on the CPU alone")
    if PETS.is_dir() and WEIGHTS.is_file():
        wanted += WITH_PHOTOGRAPHS
    else:
        logger.warning("no %s or %s: the benchmarks on photographs are left out", PETS, WEIGHTS)
    failed = []
    for command in (*wanted, ("benchmarks.readme",)):
        logger.info("python -m %s", " ".join(command))
        if subprocess.run([sys.executable, "-m", *command], check=False).returncode:
            failed.append(" ".join(command))
    if failed:
        logger.error("failed: %s", "; ".join(failed))
        sys.exit(1)


if __name__ == "__main__":
    main()
