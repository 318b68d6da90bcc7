"""``python -m flows.attended_server FD``: Prefect's server on an open socket, while stdin is open.

Whoever starts it holds the other end of stdin. However that process ends, kill -9 included, the
kernel closes the pipe, and the server ends too.
"""

import os
import signal
import socket
import sys
import threading
import time

GRACE_SECONDS = 5.0
"""How long the server may take to end by itself."""


def serve(descriptor: int) -> None:
    """Serve until told to end, or until stdin is closed.

    Args:
        descriptor: File descriptor of a listening socket.
    """
    import uvicorn

    threading.Thread(target=_end_with_stdin, daemon=True).start()
    server = uvicorn.Server(
        uvicorn.Config(
            "prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on"
        )
    )
    server.run(sockets=[socket.socket(fileno=descriptor)])


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
