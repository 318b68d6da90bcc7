"""A process that dies at a chosen point, so that tests can try all of them."""

from tests.feedback.memory import Killed


class Doom:
    """Dies at the n-th of the points that are passed, counted from 1."""

    def __init__(self, dies_at):
        self.dies_at, self.passed = dies_at, 0

    def point(self):
        self.passed += 1
        if self.passed == self.dies_at:
            raise Killed

    def around(self, function):
        """Return the function with a point before it and one after."""

        def call(*args, **kwargs):
            self.point()
            result = function(*args, **kwargs)
            self.point()
            return result

        return call


def was_killed(action):
    """Carry out an action and tell whether it died."""
    try:
        action()
    except Killed:
        return True
    return False
