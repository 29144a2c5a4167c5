"""A server that speaks S3, with one empty bucket `saddlepoint`; everything is in memory and gone when it stops.

`python storage.py [HOST PORT]`.
"""

import io
import signal
import sys
import threading
import urllib.request
from collections.abc import Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

HOST, PORT = "0.0.0.0", 9000
BUCKET = "saddlepoint"


class Conditional:
    """moto looks for the key and puts it in two steps; under this lock of two conditional puts one is refused."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "HTTP_IF_NONE_MATCH" not in environ:
            return self._application(environ, start_response)  # type: ignore[no-any-return]
        # Before the lock, because a writer that is cut off in the middle never ends.
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        with self._lock:
            return list(self._application(environ, start_response))


def main(host: str = HOST, port: str = str(PORT)) -> None:
    """Serve until told to stop."""
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    application = Conditional(DomainDispatcherApplication(create_backend_app))
    server = make_server(host, int(port), application, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = "127.0.0.1" if host == HOST else host
    urllib.request.urlopen(urllib.request.Request(f"http://{address}:{port}/{BUCKET}", method="PUT"), timeout=10)
    stop.wait()
    server.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
