"""What an Idempotency-Key was first used for: it stands for that request, whatever has become of it since."""

from saddlepoint.errors import IdempotencyConflict
from saddlepoint.schemas import keys
from saddlepoint.schemas.base import Schema, digest
from saddlepoint.store import Store, get_record, put_record


class IdempotencyRecord(Schema):
    """The meaning of the first request with a key, and which generation of the work it was given."""

    fingerprint: str
    generation: int


def settle(store: Store, owner: str, key: str | None, meaning: str, generation: int = 0) -> int:
    """The generation that `key` stands for, which is this one at its first use, or without a key.

    Raises IdempotencyConflict where the key was used for another meaning.
    """
    if key is None:
        return generation
    place = keys.idempotency(owner, digest(key))
    put_record(store, place, IdempotencyRecord(fingerprint=meaning, generation=generation))
    stored = get_record(store, place, IdempotencyRecord)
    if stored.fingerprint != meaning:
        raise IdempotencyConflict(
            "An idempotency key stands for one request (file, card and specification), and this one was used for "
            "another. Take a new key."
        )
    return stored.generation
