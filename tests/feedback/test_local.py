import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from feedback.errors import ObjectNotFoundError, StoreError
from feedback.store import LocalStore

ROUNDS = 20


def race(root: str, writer: int) -> list[bool]:
    store = LocalStore(Path(root))
    data = b"%d" % writer * 50_000
    return [store.put_if_absent(f"race/{number}", data) for number in range(ROUNDS)]


def test_one_of_many_processes_wins_each_object_and_it_is_whole(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        won = list(pool.map(race, [str(tmp_path)] * 4, range(4)))
    store = LocalStore(tmp_path)
    for number in range(ROUNDS):
        winners = [writer for writer in range(4) if won[writer][number]]
        assert len(winners) == 1
        assert store.get(f"race/{number}") == b"%d" % winners[0] * 50_000


def test_a_disk_that_fills_up_leaves_nothing_half_written(tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from feedback.errors import StoreError\n"
        "from feedback.store import LocalStore\n"
        "store = LocalStore(Path(sys.argv[1]))\n"
        "store.put('kept', b'old')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "for write in (store.put, store.put_if_absent):\n"
        "    for key in ('kept', 'new'):\n"
        "        try:\n"
        "            sys.stdout.write(f'{write(key, b\"x\" * 5000)}\\n')\n"
        "        except StoreError as error:\n"
        "            sys.stdout.write(f'{error}\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[2] == "False"  # put_if_absent('kept')
    for line in (lines[0], lines[1], lines[3]):
        assert "free disk space" in line
    assert LocalStore(tmp_path).get("kept") == b"old"
    assert [info.key for info in LocalStore(tmp_path).list()] == ["kept"]
    assert list((tmp_path / ".unfinished").iterdir()) == []


def test_a_writer_that_is_killed_leaves_whole_objects_only(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from feedback.store import LocalStore\n"
        "store = LocalStore(Path(sys.argv[1]))\n"
        "for number in range(10**6):\n"
        "    write = store.put if number % 2 else store.put_if_absent\n"
        "    write(f'k/{number}', b'x' * 200_000)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    store = LocalStore(tmp_path)
    while len(store.list()) < 20:
        time.sleep(0.01)
    writer.kill()
    writer.wait()
    sizes = {info.size for info in store.list()}
    assert sizes == {200_000}


def test_a_folder_that_cannot_be_made_is_refused_when_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="expected to open"):
        LocalStore(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_write_permission_is_refused_when_opened(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="make the folder writable"):
        LocalStore(tmp_path / "store")


def test_what_a_killed_writer_left_is_cleared_after_a_day(tmp_path: Path) -> None:
    LocalStore(tmp_path)
    old, young = tmp_path / ".unfinished/1-old", tmp_path / ".unfinished/2-young"
    old.write_bytes(b"")
    young.write_bytes(b"")
    os.utime(old, (time.time() - 90_000,) * 2)
    store = LocalStore(tmp_path)
    assert not old.exists()
    assert young.exists()
    assert list(store.list()) == []


def test_a_name_cannot_be_an_object_and_a_folder(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a", b"")
    with pytest.raises(StoreError, match="object of its own"):
        store.put("a/b", b"")
    with pytest.raises(ObjectNotFoundError):
        store.get("a/b")
    store.put("c/d", b"")
    with pytest.raises(StoreError, match="object of its own"):
        store.put("c", b"")
    with pytest.raises(ObjectNotFoundError):
        store.get("c")


def test_links_that_lead_out_are_not_listed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "store/link").symlink_to(tmp_path / "secret")
    (tmp_path / "store/folder").symlink_to(tmp_path)
    assert list(store.list()) == []
