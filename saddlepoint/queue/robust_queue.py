"""RQ's queue with shorter patience for what the dead left behind."""

from datetime import timedelta

from rq import Queue
from rq.intermediate_queue import IntermediateQueue
from rq.utils import now

_MAINTENANCE_LOCK_S = 30
_STUCK_S = 10


class ImpatientIntermediateQueue(IntermediateQueue):
    """Jobs that were taken and not started; RQ gives them a minute."""

    def should_be_cleaned_up(self, job_id: str) -> bool:
        first_seen = self.get_first_seen(job_id)
        return first_seen is not None and now() - first_seen > timedelta(seconds=_STUCK_S)


class RobustQueue(Queue):
    """A queue whose maintenance lock does not outlive a killed holder by a quarter of an hour."""

    @property
    def intermediate_queue(self) -> IntermediateQueue:
        return ImpatientIntermediateQueue(self.key, connection=self.connection)

    def acquire_maintenance_lock(self) -> bool:
        return bool(self.connection.set(self.registry_cleaning_key, "1", nx=True, ex=_MAINTENANCE_LOCK_S))
