"""How much a tenant may have, read from what lies in the store: nothing is booked, so nothing can be booked wrongly.

A quota is held where something new is about to be accepted. Within a process one submission is looked at after the
other; replicas that accept at the same instant may together exceed a quota by what each of them accepted.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from saddlepoint.errors import QuotaExceeded, StorageQuotaExceeded
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.settings import Settings
from saddlepoint.store import Store, find_record

_RUNNING_RETRY_S = 30
_MAX_KNOWN = 100_000


def _now() -> datetime:
    return datetime.now(UTC)


class Quotas:
    """Those of the settings; what is not set is not limited. Every method may block, and raises StoreError."""

    def __init__(self, settings: Settings, store: Store, now: Callable[[], datetime] = _now) -> None:
        self._settings, self._store, self._now = settings, store, now
        self._lock = threading.Lock()
        self._episodes: dict[str, int] = {}
        self._bytes: dict[str, int] = {}

    @contextmanager
    def admitting(self, tenant: str, spec: EvaluationSpec) -> Iterator[None]:
        """Around the submission of an evaluation. Raises QuotaExceeded."""
        if self._settings.max_running is None and self._settings.episodes_per_day is None:
            yield
            return
        with self._lock:
            self._check_running(tenant)
            self._check_episodes(tenant, spec)
            yield

    def check_bytes(self, tenant: str, size: int) -> None:
        """Before `size` bytes more of policies are taken. Raises StorageQuotaExceeded."""
        quota = self._settings.stored_bytes
        if quota is None:
            return
        has = sum(self._known(self._bytes, policy_id, self._size_of) for policy_id in self._policies_of(tenant))
        if has + size > quota:
            raise StorageQuotaExceeded(
                f"A tenant may keep {quota:,} bytes of policies, has {has:,}, and this file has {size:,}. "
                "Delete one with DELETE /v1/policies/{id}."
            )

    def _check_running(self, tenant: str) -> None:
        quota = self._settings.max_running
        if quota is None:
            return
        active = {key.removeprefix(keys.ACTIVE_EVALUATIONS) for key in self._store.list(keys.ACTIVE_EVALUATIONS)}
        running = len(active.intersection(self._evaluations_of(tenant, since="")))
        if running >= quota:
            raise QuotaExceeded(
                f"A tenant may have {quota} evaluations that have not ended, and has {running}. "
                "Wait for one, or cancel it."
            ).retried_after(_RUNNING_RETRY_S)

    def _check_episodes(self, tenant: str, spec: EvaluationSpec) -> None:
        quota = self._settings.episodes_per_day
        if quota is None:
            return
        now = self._now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        today = self._evaluations_of(tenant, since=f"{midnight:%Y%m%d}")
        asked = sum(self._known(self._episodes, evaluation_id, self._episodes_of) for evaluation_id in today)
        wanted = episodes_of(spec)
        if asked + wanted > quota:
            raise QuotaExceeded(
                f"A tenant may ask for {quota:,} episodes a day (UTC), has asked for {asked:,} today, and this is "
                f"{wanted:,} more. Ask for fewer, or tomorrow."
            ).retried_after(int((midnight + timedelta(days=1) - now).total_seconds()) + 1)

    def _evaluations_of(self, tenant: str, since: str) -> list[str]:
        prefix = keys.evaluation_index_prefix(tenant)
        return [key.rpartition("-")[2] for key in self._store.list(prefix, start_after=f"{prefix}{since}")]

    def _policies_of(self, tenant: str) -> list[str]:
        return [key.rpartition("-")[2] for key in self._store.list(keys.policy_index_prefix(tenant))]

    def _episodes_of(self, evaluation_id: str) -> int:
        record = find_record(self._store, keys.evaluation_spec(evaluation_id), EvaluationRecord)
        return 0 if record is None else episodes_of(record.spec)

    def _size_of(self, policy_id: str) -> int:
        card = find_record(self._store, keys.policy_card(policy_id), PolicyCard)
        return 0 if card is None else card.size

    def _known(self, known: dict[str, int], name: str, read: Callable[[str], int]) -> int:
        """What never changes is read once."""
        if name not in known:
            if len(known) >= _MAX_KNOWN:
                known.clear()
            known[name] = read(name)
        return known[name]


def episodes_of(spec: EvaluationSpec) -> int:
    """The episodes that a specification asks for."""
    seeds, per_seed = spec.counts()
    return seeds * per_seed * len(spec.cells())
