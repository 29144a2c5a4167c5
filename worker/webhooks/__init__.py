"""Telling the end of a job to a URL, without lending anybody the network that this runs in."""

from worker.webhooks.posting import NotPosted, Poster
from worker.webhooks.signing import signed_headers

__all__ = ["NotPosted", "Poster", "signed_headers"]
