"""Immutable artifacts: put once, read verified, in a local folder or an object store."""

from saddlepoint.store.interface import Store, Stream
from saddlepoint.store.measured import MeasuredStore
from saddlepoint.store.opening import open_store
from saddlepoint.store.records import find_record, get_record, put_record

__all__ = ["MeasuredStore", "Store", "Stream", "find_record", "get_record", "open_store", "put_record"]
