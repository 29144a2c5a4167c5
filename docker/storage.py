"""A server that speaks S3, with one empty bucket `saddlepoint`; everything is in memory and gone when it stops."""

import signal
import threading
import urllib.request

from moto.server import ThreadedMotoServer

PORT = 9000
BUCKET = "saddlepoint"


def main() -> None:
    """Serve until told to stop."""
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    server = ThreadedMotoServer(ip_address="0.0.0.0", port=PORT)
    server.start()
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{PORT}/{BUCKET}", method="PUT"), timeout=10)
    stop.wait()
    server.stop()


if __name__ == "__main__":
    main()
