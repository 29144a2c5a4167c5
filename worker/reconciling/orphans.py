"""Markers of work that was never accepted, because the service died after the marker."""

from datetime import UTC, datetime, timedelta

from saddlepoint.store import Store

_AGE = timedelta(hours=1)


def drop_orphan(store: Store, marker: str) -> None:
    """Delete a marker, which holds the time of its making, once nobody can still be busy with what it announced."""
    marked_at = datetime.fromisoformat(store.get(marker).decode())
    if datetime.now(UTC) - marked_at > _AGE:
        store.delete(marker)
