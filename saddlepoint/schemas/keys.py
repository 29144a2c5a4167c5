"""Where each artifact lies in the store. The only place that spells a key.

Retention: `uploads/` is swept an hour after an upload began; everything else stays until it is deleted by hand.
"""

from datetime import datetime


def upload_file(upload_id: str) -> str:
    """The uploaded bytes, in quarantine."""
    return f"uploads/{upload_id}/file"


def upload_request(upload_id: str) -> str:
    return f"uploads/{upload_id}/request.json"


def upload_verdict(upload_id: str) -> str:
    return f"uploads/{upload_id}/verdict.json"


UPLOADS = "uploads/"


def policy_model(policy_id: str) -> str:
    """The canonical ONNX model."""
    return f"policies/{policy_id}/policy.onnx"


def policy_weights(policy_id: str) -> str:
    """The safetensors of a policy that the trainer published."""
    return f"policies/{policy_id}/policy.safetensors"


def policy_card(policy_id: str) -> str:
    """Put last: a policy exists once its card does."""
    return f"policies/{policy_id}/card.json"


def environment(environment_key: str) -> str:
    """Its EnvironmentDescription."""
    return f"environments/{environment_key}/description.json"


def environment_problem(environment_key: str, minute: int) -> str:
    """Why a worker could not describe it in that minute of Unix time."""
    return f"environments/{environment_key}/problem-{minute}.json"


def evaluation_spec(evaluation_id: str) -> str:
    return f"evaluations/{evaluation_id}/spec.json"


def evaluation_plan(evaluation_id: str) -> str:
    return f"evaluations/{evaluation_id}/plan.json"


def evaluation_plan_summary(evaluation_id: str) -> str:
    """A few bytes about the plan, which may be megabytes."""
    return f"evaluations/{evaluation_id}/plan-summary.json"


def evaluation_cancel(evaluation_id: str) -> str:
    """A marker: whoever works on this evaluation stops."""
    return f"evaluations/{evaluation_id}/cancel.json"


def evaluation_attempt(evaluation_id: str, shard: int, attempt: int) -> str:
    return f"evaluations/{evaluation_id}/attempts/{shard:05d}/{attempt:03d}.json"


def evaluation_attempts(evaluation_id: str, shard: int) -> str:
    return f"evaluations/{evaluation_id}/attempts/{shard:05d}/"


def evaluation_hang(evaluation_id: str, shard: int, attempt: int) -> str:
    """A marker: this attempt got stuck, and its process was ended."""
    return f"evaluations/{evaluation_id}/hangs/{shard:05d}/{attempt:03d}.json"


def evaluation_cells(evaluation_id: str) -> str:
    return f"evaluations/{evaluation_id}/cells/"


def evaluation_cell(evaluation_id: str, cell: int) -> str:
    return f"evaluations/{evaluation_id}/cells/{cell:03d}.json"


def evaluation_examination(evaluation_id: str) -> str:
    return f"evaluations/{evaluation_id}/examination.json"


def evaluation_report(evaluation_id: str, extension: str) -> str:
    return f"evaluations/{evaluation_id}/report.{extension}"


def evaluation_terminal(evaluation_id: str) -> str:
    """How it ended; put once."""
    return f"evaluations/{evaluation_id}/terminal.json"


EVALUATIONS = "evaluations/"


def active_evaluation(evaluation_id: str) -> str:
    """A marker: not ended yet. Put before the evaluation is accepted, deleted after its terminal is put."""
    return f"{ACTIVE_EVALUATIONS}{evaluation_id}"


ACTIVE_EVALUATIONS = "active/evaluations/"


def publishing_evaluation(evaluation_id: str) -> str:
    """A marker: its report is being put. Put before that, deleted once the end is put and agrees with it."""
    return f"{PUBLISHING_EVALUATIONS}{evaluation_id}"


PUBLISHING_EVALUATIONS = "publishing/evaluations/"


def episodes(cell_key: str) -> str:
    return f"episodes/{cell_key}/"


def episode(cell_key: str, seed: int, episode: int) -> str:
    return f"episodes/{cell_key}/{seed:010d}/{episode:05d}.json"


def trace(cell_key: str, seed: int, episode: int) -> str:
    """What happened in an episode, step by step; put before its result."""
    return f"traces/{cell_key}/{seed:010d}/{episode:05d}.npz"


def second_episodes(cell_key: str) -> str:
    return f"nondeterministic/{cell_key}/"


def second_episode(cell_key: str, seed: int, episode: int, sha256: str) -> str:
    """A result that differs from the first one of the same episode; the first one stands."""
    return f"nondeterministic/{cell_key}/{seed:010d}/{episode:05d}-{sha256[:16]}.json"


def evaluation_index(owner: str, created_at: datetime, evaluation_id: str) -> str:
    """Sorts by time, oldest first."""
    return f"{evaluation_index_prefix(owner)}{_sortable(created_at)}-{evaluation_id}"


def evaluation_index_prefix(owner: str) -> str:
    return f"index/{owner}/evaluations/"


def policy_index(owner: str, created_at: datetime, policy_id: str) -> str:
    return f"{policy_index_prefix(owner)}{_sortable(created_at)}-{policy_id}"


def policy_index_prefix(owner: str) -> str:
    return f"index/{owner}/policies/"


def training_index(owner: str, created_at: datetime, training_id: str) -> str:
    return f"{training_index_prefix(owner)}{_sortable(created_at)}-{training_id}"


def training_index_prefix(owner: str) -> str:
    return f"index/{owner}/trainings/"


def landscape_index(owner: str, policy_id: str, environment_key: str, created_at: datetime, landscape_id: str) -> str:
    """Sorts by time, oldest first. Put before the landscape ends: whoever reads it looks how that was."""
    return f"{landscape_index_prefix(owner, policy_id, environment_key)}{_sortable(created_at)}-{landscape_id}"


def landscape_index_prefix(owner: str, policy_id: str, environment_key: str) -> str:
    return f"index/{owner}/landscapes/{policy_id}/{environment_key}/"


def board(owner: str, board_id: str) -> str:
    """Its BoardRecord."""
    return f"{boards(owner)}{board_id}.json"


def boards(owner: str) -> str:
    return f"index/{owner}/boards/"


def standing(owner: str, board_id: str, rank: str, evaluation_id: str) -> str:
    """Sorts by rank, the best first."""
    return f"{standings(owner, board_id)}{rank}-{evaluation_id}"


def standings(owner: str, board_id: str) -> str:
    return f"index/{owner}/standings/{board_id}/"


def idempotency(owner: str, key_digest: str) -> str:
    return f"idempotency/{owner}/{key_digest}.json"


def training_spec(training_id: str) -> str:
    return f"trainings/{training_id}/spec.json"


def training_cancel(training_id: str) -> str:
    return f"trainings/{training_id}/cancel.json"


def training_attempt(training_id: str, attempt: int) -> str:
    """The fencing token of an attempt."""
    return f"trainings/{training_id}/attempts/{attempt:03d}.json"


def training_attempts(training_id: str) -> str:
    return f"trainings/{training_id}/attempts/"


def attempt_number(key: str) -> int:
    """The attempt that `evaluation_attempt` or `training_attempt` named."""
    return int(key.rpartition("/")[2].removesuffix(".json"))


def training_checkpoint(training_id: str, update: int, attempt: int) -> str:
    return f"trainings/{training_id}/checkpoints/{update:08d}-{attempt:03d}"


def training_checkpoints(training_id: str) -> str:
    return f"trainings/{training_id}/checkpoints/"


def training_policy(training_id: str, stage: str) -> str:
    """The weights that are published as `middle` or `final`, whichever attempt put them first."""
    return f"trainings/{training_id}/policies/{stage}"


def training_curve(training_id: str, update: int, attempt: int) -> str:
    return f"trainings/{training_id}/curve/{update:08d}-{attempt:03d}.json"


def curve_attempt(key: str) -> int:
    """The attempt that `training_curve` named."""
    return int(key.rpartition("-")[2].removesuffix(".json"))


def training_curves(training_id: str) -> str:
    return f"trainings/{training_id}/curve/"


def training_events(training_id: str, update: int, attempt: int) -> str:
    """The curve up to an update as an event file of TensorBoard, which knows one by its name."""
    return f"{training_event_files(training_id)}events.out.tfevents.{update:08d}.{attempt:03d}"


def training_event_files(training_id: str) -> str:
    """Of which the last one is whole, and the others are about to be deleted."""
    return f"trainings/{training_id}/tensorboard/"


def training_terminal(training_id: str) -> str:
    return f"trainings/{training_id}/terminal.json"


TRAININGS = "trainings/"


def active_training(training_id: str) -> str:
    """A marker like that of an evaluation."""
    return f"{ACTIVE_TRAININGS}{training_id}"


ACTIVE_TRAININGS = "active/trainings/"


def training_proof(training_id: str) -> str:
    """How parent and child are evaluated."""
    return f"trainings/{training_id}/proof/spec.json"


def training_proof_part(training_id: str, part: str) -> str:
    """A part is `parent_evaluation`, `evaluation` or `comparison`."""
    return f"trainings/{training_id}/proof/{part}.json"


def training_proof_problem(training_id: str) -> str:
    """Why there will be no comparison."""
    return f"trainings/{training_id}/proof/problem.json"


def active_proof(training_id: str) -> str:
    """A marker like that of an evaluation: until the comparison is there, or cannot be."""
    return f"{ACTIVE_PROOFS}{training_id}"


ACTIVE_PROOFS = "active/proofs/"


def job_spec(kind: str, job_id: str) -> str:
    """Of other work: a kind is `attack`, `landscape`, `comparison` or `training-report`."""
    return f"{kind}s/{job_id}/spec.json"


def job_input(kind: str, job_id: str) -> str:
    """What was sent beside the specification."""
    return f"{kind}s/{job_id}/input"


def job_cancel(kind: str, job_id: str) -> str:
    return f"{kind}s/{job_id}/cancel.json"


def job_chunk(kind: str, job_id: str, chunk: int) -> str:
    """What a chunk came to."""
    return f"{job_chunks(kind, job_id)}{chunk:06d}"


def job_chunks(kind: str, job_id: str) -> str:
    return f"{kind}s/{job_id}/chunks/"


def job_summary(kind: str, job_id: str) -> str:
    return f"{kind}s/{job_id}/summary.json"


def job_result(kind: str, job_id: str, extension: str) -> str:
    return f"{kind}s/{job_id}/result.{extension}"


def landscape_section(landscape_id: str, policy_id: str) -> str:
    """What a report on that policy shows of the landscape."""
    return f"landscapes/{landscape_id}/sections/{policy_id}.html"


def job_terminal(kind: str, job_id: str) -> str:
    return f"{kind}s/{job_id}/terminal.json"


def active_job(kind: str, job_id: str) -> str:
    """A marker like that of an evaluation."""
    return f"{active_jobs(kind)}{job_id}"


def active_jobs(kind: str) -> str:
    return f"active/{kind}s/"


def api_key(key_id: str) -> str:
    return f"{API_KEYS}{key_id}"


API_KEYS = "access/keys/"


def revoked_key(key_id: str) -> str:
    """A marker: the key opens nothing any more."""
    return f"{REVOKED_KEYS}{key_id}"


REVOKED_KEYS = "access/revoked/"


def audit_event(tenant: str, event_id: str) -> str:
    """Found by its id alone, which begins with its time."""
    return f"{audit_events(tenant)}{event_id.partition('_')[0]}-{event_id}"


def audit_event_id(at: datetime, distinct: str) -> str:
    return f"{_sortable(at)}_{distinct}"


def audit_events(tenant: str) -> str:
    """Sorts by time, oldest first."""
    return f"audit/{tenant}/"


def webhook_request(webhook_id: str) -> str:
    return f"webhooks/{webhook_id}/request.json"


def webhook_attempt(webhook_id: str, attempt: int) -> str:
    return f"{webhook_attempts(webhook_id)}{attempt:03d}.json"


def webhook_attempts(webhook_id: str) -> str:
    return f"webhooks/{webhook_id}/attempts/"


def webhook_outcome(webhook_id: str) -> str:
    return f"webhooks/{webhook_id}/outcome.json"


def active_webhook(webhook_id: str) -> str:
    """A marker like that of an evaluation: until it is delivered, or given up."""
    return f"{ACTIVE_WEBHOOKS}{webhook_id}"


ACTIVE_WEBHOOKS = "active/webhooks/"


def webhook_secret(tenant: str, generation: int) -> str:
    return f"{webhook_secrets(tenant)}{generation:06d}"


def webhook_secrets(tenant: str) -> str:
    return f"access/webhooks/{tenant}/"


PROBE = "health/probe"
"""Written and deleted to see whether the store can be written."""


def doctor_probe(name: str) -> str:
    """The same for somebody who must not meet another that looks at the moment."""
    return f"health/{name}"


def _sortable(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%S%f")
