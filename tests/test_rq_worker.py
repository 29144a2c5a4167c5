"""What a worker says of a job beside the process that does it."""

import logging

import pytest
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from saddlepoint.queue import CHUNK, JobQueue, RobustQueue, connect
from saddlepoint.rq_worker import RobustWorker
from tests.log_lines import lines_of, write_json


@pytest.mark.parametrize("readable", [True, False])
def test_a_job_is_named_while_its_process_is_watched(
    readable: bool, redis_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(worker: Worker, job: Job, queue: Queue) -> None:
        del worker, queue
        logging.getLogger("watched").warning("%s died", job.id)

    monkeypatch.setattr(Worker, "execute_job", watch)
    write_json(caplog)
    connection = connect(redis_url)
    queue = RobustQueue("evaluate", connection=connection, serializer=JSONSerializer)
    worker = RobustWorker([queue], connection=connection, serializer=JSONSerializer)
    JobQueue(connection).enqueue(CHUNK, "landscape", "l", "7", timeout_s=90)
    job_id = CHUNK.job_id("landscape", "l", "7")
    if not readable:
        connection.hset(Job.key_for(job_id), "data", b"pickled by somebody else")
    worker.execute_job(Job.fetch(job_id, connection, JSONSerializer), queue)
    (line,) = lines_of(caplog)
    named = {name: line[name] for name in ("task", "kind", "id", "arguments") if name in line}
    about = {"task": "run_chunk", "kind": "landscape", "id": "l", "arguments": "7"}
    assert named == (about if readable else {})
