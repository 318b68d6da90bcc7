"""The lock of a run: it dies with its process, and nobody takes it away."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks import liveness
from tasks.liveness import alive, find_dead, forget, is_alive
from tests.tasks.reaping import RUN


def test_who_waits_for_the_note_of_a_run_that_ends_holds_the_one_that_others_see(tmp_path):
    entered, may_end, second = threading.Event(), threading.Event(), threading.Event()

    def first():
        with alive(tmp_path, RUN):
            entered.set()
            may_end.wait(30)

    def waits():
        entered.wait(30)
        with alive(tmp_path, RUN):
            second.set()
            held.wait(30)

    held = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        ends, holds = pool.submit(first), pool.submit(waits)
        entered.wait(30)
        time.sleep(0.3)  # it stands at the lock by now
        may_end.set()
        ends.result(30)
        assert second.wait(30)
        assert is_alive(tmp_path, RUN)
        assert find_dead(tmp_path) == []
        # Nobody takes away what a process holds.
        forget(tmp_path, RUN)
        assert is_alive(tmp_path, RUN)
        held.set()
        holds.result(30)
    assert not is_alive(tmp_path, RUN)


def test_two_looks_at_once_do_not_take_each_other_for_the_run(tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt), alive(tmp_path, RUN):
        raise KeyboardInterrupt
    read, meanwhile = liveness._read, []

    def read_while_another_looks(*note):
        monkeypatch.setattr(liveness, "_read", read)
        meanwhile.append((find_dead(tmp_path), is_alive(tmp_path, RUN)))
        return read(*note)

    monkeypatch.setattr(liveness, "_read", read_while_another_looks)
    (found,) = find_dead(tmp_path)
    assert found.flow_run == RUN
    assert meanwhile == [([found], False)]
