"""`python -m tests.worker.teller FOLDER`: tells webhooks of the store there to this machine, for ever."""

import ssl
import sys
import time
from pathlib import Path

from saddlepoint.store.local import LocalStore
from worker.reconciling.webhooks import Webhooks
from worker.webhooks import Poster


def main(folder: Path) -> None:
    """Pass after pass, as the reconciler does."""
    tls = ssl.create_default_context(cafile=folder / "certificate.pem")
    poster = Poster(resolve=lambda host, port: ["127.0.0.1"], is_allowed=lambda address: True, tls=tls)
    webhooks = Webhooks(LocalStore(folder / "store"), poster)
    while True:
        webhooks.bring_on()
        time.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
