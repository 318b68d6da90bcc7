"""A mail server on loopback that keeps what it is sent, and refuses what it is told to."""

import base64
import email.policy
import socketserver
import threading
from collections import deque


class Sink:
    """Speaks as much SMTP as one mail takes.

    Attributes:
        port: Where it listens.
        mails: Messages that it took, in the order in which they came.
        envelopes: Sender and receivers of each of them, as the server was told.
        logins: User and password of every connection that brought some.
        refusals: (verb, answer) of what is refused next; ``HELLO`` is the greeting.
        seen: Verbs that came.
    """

    def __init__(self):
        self.mails, self.envelopes, self.logins, self.seen = [], [], [], []
        self.refusals = deque()
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 30

            def handle(self):
                sink.talk(self.rfile, lambda line: self.wfile.write(f"{line}\r\n".encode()))

        self._server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        """Stop listening; the next connection is refused."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def talk(self, lines, say):
        """Answer one connection until it ends."""
        if not self._takes("HELLO", say):
            return
        say("220 sink")
        sender, receivers = "", []
        for line in lines:
            verb, _, rest = line.decode().strip().partition(" ")
            verb = verb.upper()
            if not self._takes(verb, say):
                continue
            if verb == "EHLO":
                say("250-sink")
                say("250 AUTH PLAIN")
            elif verb == "AUTH":
                said = base64.b64decode(rest.removeprefix("PLAIN ")).decode()
                self.logins.append(tuple(said.split("\0")[1:]))
                say("235 welcome")
            elif verb == "MAIL":
                sender, receivers = _address(rest), []
                say("250 ok")
            elif verb == "RCPT":
                receivers.append(_address(rest))
                say("250 ok")
            elif verb == "DATA":
                say("354 go on")
                body = b"".join(iter(lambda: _unstuffed(next(lines)), None))
                self.mails.append(email.message_from_bytes(body, policy=email.policy.default))
                self.envelopes.append((sender, tuple(receivers)))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def _takes(self, verb, say):
        self.seen.append(verb)
        if self.refusals and self.refusals[0][0] == verb:
            say(self.refusals.popleft()[1])
            return False
        return True


def _address(rest):
    return rest.partition("<")[2].partition(">")[0]


def _unstuffed(line):
    """Return a line of a mail as its sender wrote it, None at the end of the mail."""
    return None if line == b".\r\n" else line.removeprefix(b".")
