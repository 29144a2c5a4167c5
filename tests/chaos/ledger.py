"""What lies in the store, watched from outside: an artifact that was there once is the same file for ever."""

from pathlib import Path

from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import Plan
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.store import Store, find_record, get_record
from tests.chaos.history import History
from tests.chaos.stories import digest
from worker.episodes import episode_key

Identity = tuple[int, int]


class Ledger:
    """The artifacts of evaluations in a local store, by key, as they were when they were first seen."""

    def __init__(self, store: Store, folder: Path, history: History) -> None:
        self._store, self._folder, self._history = store, folder, history
        self._plans: dict[str, Plan] = {}
        self._seen: dict[str, Identity] = {}

    def look(self, evaluation_ids: set[str]) -> None:
        """Tell the history what has changed since the last look, or has vanished."""
        for evaluation_id in evaluation_ids:
            for key in self._watched(evaluation_id):
                self._compare(key)

    def close(self, label: str, evaluation_id: str) -> None:
        """Tell the history what an evaluation has left."""
        plan = self._plan(evaluation_id)
        planned = self._episodes(plan) if plan else []
        self._history.add(
            "stored",
            job=label,
            planned=len(planned),
            missing=[key for key in planned if not self._store.exists(key)],
            contradicted=[key for cell in plan.cells for key in self._store.list(keys.second_episodes(cell.key))]
            if plan
            else [],
            has_report=self._store.exists(keys.evaluation_report(evaluation_id, "json")),
        )

    def close_training(self, label: str, training_id: str, policy_id: str | None) -> None:
        """Tell the history what a training has published: how many policies, and the bytes of the last one."""
        cards = [get_record(self._store, key, PolicyCard) for key in self._store.list("policies/") if "card" in key]
        own = [card for card in cards if card.lineage and card.lineage.training_id == training_id]
        files = (keys.policy_weights, keys.policy_model)
        found = [self._store.get(key(policy_id)).hex() for key in files] if policy_id else None
        final = [card.id for card in own if not (card.name or "").endswith("(middle)")]
        self._history.add("published", job=label, content=digest(found), final=final, all=len(own))

    def _watched(self, evaluation_id: str) -> list[str]:
        plan = self._plan(evaluation_id)
        return [
            keys.evaluation_spec(evaluation_id),
            keys.evaluation_terminal(evaluation_id),
            *([keys.evaluation_plan(evaluation_id), *self._episodes(plan)] if plan else []),
        ]

    def _plan(self, evaluation_id: str) -> Plan | None:
        if evaluation_id not in self._plans:
            plan = find_record(self._store, keys.evaluation_plan(evaluation_id), Plan)
            if plan is None:
                return None
            self._plans[evaluation_id] = plan
        return self._plans[evaluation_id]

    def _episodes(self, plan: Plan) -> list[str]:
        return [episode_key(plan, entry) for shard in plan.shards for entry in shard.entries]

    def _compare(self, key: str) -> None:
        found = self._identity(key)
        before = self._seen.get(key)
        if found == before:
            return
        if before is not None:
            self._history.add("vanished" if found is None else "changed", key=key)
        if found is not None:
            self._seen[key] = found

    def _identity(self, key: str) -> Identity | None:
        try:
            status = (self._folder / key).stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
