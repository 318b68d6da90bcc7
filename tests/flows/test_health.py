"""What hangs is told from what starts, what is slow, and a machine that slept."""

import http.server
import threading

import pytest

from flows.health import HUNG_SECONDS, LEAST_UNANSWERED, HealthWatch, answers
from tests.e2e.servers import free_port


class World:
    """A clock, and who answers."""

    def __init__(self):
        self.now, self.well, self.asked = 0.0, {"a"}, []
        self.watch = HealthWatch(ask=self.ask, clock=lambda: self.now)

    def ask(self, address, seconds):
        self.asked.append(address)
        return address in self.well

    def pass_(self, seconds, looks):
        for _ in range(looks):
            self.now += seconds / looks
            self.watch.look()


@pytest.fixture
def world():
    made = World()
    made.watch.watch("server", "a")
    made.pass_(10, 1)
    return made


def test_a_service_that_answered_and_does_not_any_more_hangs(world):
    world.well.clear()
    world.pass_(HUNG_SECONDS, 6)
    assert world.watch.hung() == []
    world.pass_(1, 1)
    assert world.watch.hung() == ["server"]


def test_one_answer_makes_it_well_again(world):
    world.well.clear()
    world.pass_(HUNG_SECONDS + 1, 6)
    world.well.add("a")
    world.pass_(1, 1)
    assert world.watch.hung() == []


def test_a_machine_that_slept_has_asked_too_little_to_tell(world):
    world.well.clear()
    world.pass_(10 * HUNG_SECONDS, LEAST_UNANSWERED - 1)
    assert world.watch.hung() == []


def test_what_never_answered_is_starting(world):
    world.watch.watch("slow", "b")
    world.pass_(10 * HUNG_SECONDS, 60)
    assert world.watch.hung() == []


def test_what_was_started_anew_begins_anew(world):
    world.well.clear()
    world.pass_(HUNG_SECONDS + 1, 6)
    world.watch.watch("server", "a")
    assert world.watch.hung() == []


def test_what_is_started_anew_while_it_is_asked_keeps_nothing_of_the_old_one(world):
    def ask_meanwhile(address, seconds):
        watch.watch("server", "a")
        return True

    watch = HealthWatch(ask=ask_meanwhile, clock=lambda: 0.0)
    watch.watch("server", "a")
    watch.look()
    assert watch._watched["server"].answered is None


def test_only_200_within_the_time_is_an_answer():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/slow":
                over.wait(30)
            self.send_response(503 if self.path == "/ill" else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    over = threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert answers(f"{address}/well", 30)
        assert not answers(f"{address}/ill", 30)
        assert not answers(f"{address}/slow", 0.2)
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
    assert not answers(f"http://127.0.0.1:{free_port()}/", 1)
    assert not answers("nonsense", 1)
