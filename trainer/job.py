"""A queued training: begun by anybody, any number of times, with one effect.

Every attempt goes on from the newest checkpoint, and resuming gives the same numbers as not stopping; so it does not
matter that a second attempt may repeat what a killed one did after its last checkpoint.
"""

import copy
import faulthandler
import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from saddlepoint.endings import end
from saddlepoint.errors import ArtifactNotFound, Canceled, NotFound, SaddlepointError, StoreError, Unavailable
from saddlepoint.hiccups import is_passing, left_to_the_reconciler
from saddlepoint.policies import ImportedPolicy
from saddlepoint.proof import bring_on_proof
from saddlepoint.queue import Count, JobQueue, Phase
from saddlepoint.rq_worker import Interrupted
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.problems import problem_of
from saddlepoint.schemas.trainings import CurvePoint, TrainingRecord
from saddlepoint.store import Store, find_record, get_record
from saddlepoint.training_reporting import submit_training_report
from saddlepoint.work import TRAINING, find_terminal
from trainer import attempts, checkpoint, stored
from trainer.build import Machine, build_training
from trainer.curve import UpdateRecord
from trainer.pace import Every
from trainer.ppo import start, train
from trainer.publish import make_policy, publish
from trainer.tensorboard import events_of
from trainer.training import Training

CHECKPOINT_S = 120.0
"""Seconds between two checkpoints: what a crash may cost."""
CURVE_S = 15.0
"""Seconds between two pieces of the learning curve, and between two tries at what a failing store did not take."""
WANTED_S = 1.0
"""Seconds between two questions whether the training is still wanted."""
PATIENCE_S = 3600.0
"""How long a training that is done waits for its store, before it is left to be repeated from its checkpoint."""
_CURVE_POINTS = 1000
"""Of a whole training, at most."""
_STALL_S = 1800.0
"""An update that takes longer is stuck, perhaps in native code, and its process is ended."""

_log = logging.getLogger(__name__)


def run_job(store: Store, queue: JobQueue, training_id: str, machine: Machine) -> None:
    """Train to the end, unless the training has ended.

    An error that would come again, which is any SaddlepointError, ends it as failed. One of the store or the queue
    that passes leaves it to the reconciler, and those that nobody expected are let through: RQ tries again.
    """
    with left_to_the_reconciler(f"training {training_id}"):
        record = find_record(store, keys.training_spec(training_id), TrainingRecord)
        if record is None or find_terminal(store, TRAINING, training_id):
            _log.warning("training %s has ended, or its store is another one", training_id)
            return
        _run(store, queue, record, machine)


def _run(store: Store, queue: JobQueue, record: TrainingRecord, machine: Machine) -> None:
    training_id = record.id
    try:
        policy_id = _Attempt(store, queue, record, machine).run()
    except (StoreError, Unavailable):
        raise
    except Canceled as reason:
        _log.info("%s", reason.message)
    except SaddlepointError as error:
        _log.warning("training %s failed: %s", training_id, error.message)
        end(store, queue, TRAINING, training_id, "failed", error=problem_of(error))
    else:
        end(store, queue, TRAINING, training_id, "succeeded", policy_id=policy_id)
        submit_training_report(store, queue, record, None)
        bring_on_proof(store, queue, training_id)


@dataclass
class _Attempt:
    store: Store
    queue: JobQueue
    record: TrainingRecord
    machine: Machine
    number: int = -1
    wanted_due: Every = field(default_factory=lambda: Every(WANTED_S))
    checkpoint_due: Every = field(default_factory=lambda: Every(CHECKPOINT_S))
    curve_due: Every = field(default_factory=lambda: Every(CURVE_S))
    points: list[CurvePoint] = field(default_factory=list)
    """Those that are not stored yet."""
    curve: list[CurvePoint] = field(default_factory=list)
    """All of this training."""
    told: int = 0
    """Steps that were counted, or were taken by an earlier attempt."""
    middle: bytes | None = None
    """The policy half way, while it is not published."""

    def run(self) -> str:
        """Train from the newest checkpoint to the end, and publish; the policy's id."""
        self.hint("starting", 0)
        training = build_training(self.record.spec, self.machine, parent=self.parent())
        with closing(training.games.environment), self.counted() as saved, watched():
            self.resume(training, saved)
            for update in train(training):
                alive()
                if self.wanted_due():
                    with self.outlived():
                        self.check_wanted()
                self.keep(training, update)
            return self.finish(training)

    def parent(self) -> ImportedPolicy | None:
        """The policy to start from; NotFound where it was deleted in the meantime."""
        policy_id = self.record.spec.policy_id
        if policy_id is None:
            return None
        try:
            model = self.store.get(keys.policy_model(policy_id))
            return ImportedPolicy(model, get_record(self.store, keys.policy_card(policy_id), PolicyCard))
        except ArtifactNotFound as error:
            raise NotFound(f"The policy {policy_id} was deleted before its training began.") from error

    @contextmanager
    def counted(self) -> Iterator[bytes | None]:
        """Count this attempt from the checkpoint that it gets, the newest one.

        It does not count if it is stopped on purpose or by a store that fails for a while.
        """
        saved = stored.newest_checkpoint(self.store, self.record.id)
        self.number = attempts.begin(self.store, self.record.id, checkpoint.read_update(saved) if saved else 0)
        try:
            yield saved
        except (Interrupted, SaddlepointError) as error:
            if isinstance(error, Interrupted) or is_passing(error):
                with suppress(StoreError):
                    attempts.withdraw(self.store, self.record.id, self.number)
            raise

    def resume(self, training: Training, saved: bytes | None) -> None:
        if saved is None:
            start(training)
        else:
            checkpoint.restore(training, saved, self.record.spec)
            self.curve = stored.curve_until(self.store, self.record.id, training.update)
            self.told = training.steps

    def check_wanted(self) -> None:
        """Raise Canceled if the training has ended, was canceled, or another attempt has taken it over."""
        ended = (keys.training_cancel(self.record.id), keys.training_terminal(self.record.id))
        superseded = attempts.is_superseded(self.store, self.record.id, self.number)
        if superseded or any(self.store.exists(key) for key in ended):
            raise Canceled(f"Attempt {self.number} at training {self.record.id} is not wanted any more.")

    def keep(self, training: Training, update: UpdateRecord) -> None:
        """Store what is due. What a failing store does not take is tried again, and the training goes on meanwhile."""
        if training.finished or update.update % (1 + training.config.updates // _CURVE_POINTS) == 0:
            self.points.append(stored.curve_point(update))
            self.curve.append(self.points[-1])
        if training.halfway:
            self.middle = checkpoint.policy_to_bytes(training, self.record.spec)
        if self.checkpoint_due() or training.halfway:
            self.checkpoint_due.again_in(CURVE_S)
            with self.outlived():
                self.put_everything(training)
                self.checkpoint_due.again_in(CHECKPOINT_S)
        elif self.curve_due():
            with self.outlived():
                self.put_curve(training)

    @contextmanager
    def outlived(self) -> Iterator[None]:
        """Go on after an error of the store that passes."""
        try:
            yield
        except StoreError as error:
            if not is_passing(error):
                raise
            _log.warning("training %s goes on: %s", self.record.id, error.message)

    def put_everything(self, training: Training) -> None:
        """The checkpoint after all that may not be missing when it is gone on from; the event file is made anew."""
        self.check_wanted()
        if self.middle is not None:
            self.publish(training, "middle", self.middle)
            self.middle = None
        self.put_curve(training)
        saved = checkpoint.to_bytes(training, self.record.spec)
        stored.put_checkpoint(self.store, self.record.id, training.update, self.number, saved)
        events = events_of(self.curve, self.record.spec.method, self.record.created_at.timestamp())
        stored.put_events(self.store, self.record.id, training.update, self.number, events)

    def put_curve(self, training: Training) -> None:
        stored.put_curve(self.store, self.record.id, self.number, self.points)
        self.points.clear()
        self.hint("processing", training.steps)

    def finish(self, training: Training) -> str:
        """Store what is left and publish. A failing store is waited for: nothing else is left to do."""
        final = checkpoint.policy_to_bytes(training, self.record.spec)
        given_up = time.monotonic() + PATIENCE_S
        while True:
            alive()
            try:
                self.put_everything(training)
                return self.publish(training, "final", final)
            except StoreError as error:
                if not is_passing(error) or time.monotonic() > given_up:
                    raise
                _log.warning("training %s is done and waits for the store: %s", self.record.id, error.message)
            time.sleep(CURVE_S)

    def publish(self, training: Training, stage: Literal["middle", "final"], own: bytes) -> str:
        """Publish the weights that stand for a stage: these, unless another attempt was first."""
        spec, owner = self.record.spec, self.record.owner
        standing = replace(training, network=copy.deepcopy(training.network))
        checkpoint.restore_policy(standing, stored.settle(self.store, self.record.id, stage, own))
        name = spec.name if stage == "final" else f"{spec.name or spec.method} (middle)"
        return publish(
            self.store, owner, make_policy(standing, spec, owner=owner, name=name, training_id=self.record.id)
        )

    def hint(self, phase: Phase, steps: int) -> None:
        """What is shown while the training goes on; it may be lost."""
        with suppress(Unavailable):
            self.queue.set_phase(self.record.id, phase)
            self.queue.record_steps(self.record.id, 0, steps)
        if steps > self.told:
            self.queue.tally(Count("training_steps", (self.record.spec.method,), steps - self.told))
            self.told = steps


def alive() -> None:
    """Put off the end of the process by `watched`."""
    faulthandler.dump_traceback_later(_STALL_S, exit=True)


@contextmanager
def watched() -> Iterator[None]:
    """End the process, with a trace on stderr, when nothing moves for long."""
    alive()
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
