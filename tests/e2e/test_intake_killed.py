"""``parley data intake`` killed at random moments: no upload is lost, none is taken twice."""

import io
import os
import random
import signal
import subprocess

import numpy as np
import pytest
from PIL import Image

from feedback.layout import INTAKE, INTAKEN
from tasks.dataset import version
from tests.e2e.servers import PARLEY, environment
from tests.shapes import write_shapes

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
KILLS, PUT = 5, 6
SEED = int(os.environ.get("PARLEY_KILLS_SEED", "1"))


def pictures(generator, n):
    for _ in range(n):
        data = io.BytesIO()
        pixels = generator.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(data, "PNG")
        yield data.getvalue()


def test_a_killed_intake_loses_nothing_and_takes_nothing_twice(tmp_path):
    data = write_shapes(tmp_path / "data")
    version.init(tmp_path)
    version.add(data)
    env = environment(tmp_path / "home")
    env.pop("PARLEY_STORE", None)
    uploads = tmp_path / "home" / "store" / INTAKE
    uploads.mkdir(parents=True)
    command = (*PARLEY, "data", "intake", "--max", "20")
    before = {path.read_bytes() for path in (data / "pool").iterdir()}
    generator, chance, put = np.random.default_rng(SEED), random.Random(SEED), set()
    killed = 0
    for turn in range(KILLS):
        for number, picture in enumerate(pictures(generator, PUT)):
            (uploads / f"{turn}-{number}.png").write_bytes(picture)
            put.add(picture)
        with subprocess.Popen(
            command, cwd=tmp_path, env=env, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as intake:  # fmt: skip
            try:
                intake.wait(chance.uniform(1.0, 9.0))
            except subprocess.TimeoutExpired:
                killed += 1
                # With what it started, such as DVC, or alone.
                (os.killpg if turn % 2 else os.kill)(intake.pid, signal.SIGKILL)
    assert killed, "no intake was killed: every one was done before"
    for _ in range(KILLS + 1):
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        if "took 0" in done.stdout:
            break
    files = [path.read_bytes() for path in (data / "pool").iterdir()]
    assert set(files) == before | put
    assert len(files) == len(set(files))
    assert version.read_status(data, version.record_of(data)).is_clean
    receipts = tmp_path / "home" / "store" / INTAKEN
    assert len([path for path in receipts.rglob("*") if path.is_file()]) == len(put)
