"""`/v1/attacks`: attacks on observations that are sent. The catalogue is beside the others."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.endings import cancel_job
from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas import keys
from saddlepoint.schemas.observation_attacks import (
    MAX_BYTES,
    SMALL_GRADIENTS,
    ObservationAttack,
    ObservationAttackSpec,
    gradients_of,
)
from saddlepoint.work import ATTACK
from service.answers import also, canceled_before, file_as
from service.context import ContextOf, OwnerOf
from service.forms import read_form
from service.jobs import canceled_response, job_response
from service.npy import read_header
from service.observation_attacks import AttackRequest, accept_attack
from service.parsing import parse
from service.rendering import preferred_wait_s
from service.requests import observations_form
from service.results import result_response
from service.spool import SpoolFile
from service.webhooks import WebhookUrl, announced
from service.wire import attack_path

router = APIRouter(prefix="/v1/attacks", tags=["attacks"])
_PART = "observations"
_HEADER_BYTES = 2**20
_SMALL_WAIT_S = 5.0
_NPZ = "application/x-npz"
_LONGEST_ID = 64


@router.post(
    "",
    status_code=202,
    response_model=ObservationAttack,
    responses=also(ObservationAttack, "It is done", _NPZ),
    openapi_extra=observations_form(ObservationAttackSpec),
    summary="Attack observations",
)
async def create(request: Request, context: ContextOf, owner: OwnerOf, webhook: WebhookUrl) -> Response:
    """200 once it is done, which small batches are waited for, or as long as `Prefer: wait=N` says; else 202.

    `Accept: application/x-npz` asks for the result itself, where it is there in time. Put `policy_id` and `spec`
    before `observations`: an error in them is then answered before the file is read.
    """
    await run_in_threadpool(context.queue.ping)
    async with SpoolFile(context.spool, 2 * MAX_BYTES + _HEADER_BYTES) as file:
        readers = {"policy_id": _read_id, "spec": _read_spec}
        form = await read_form(request, file, readers, required=frozenset(readers), file_part=_PART)
        spec, policy_id = form.values["spec"], form.values["policy_id"]
        assert isinstance(spec, ObservationAttackSpec)
        assert isinstance(policy_id, str)
        array = await run_in_threadpool(read_header, file.path)
        wanted = AttackRequest(owner, policy_id, spec, array, file.sha256)
        attack_id = await run_in_threadpool(accept_attack, context.store, context.queue, wanted, file.path)
    context.attacks.forget(attack_id)
    small = _SMALL_WAIT_S if gradients_of(spec, array.rows) <= SMALL_GRADIENTS else 0.0
    preferred = preferred_wait_s(request)
    snapshot = await context.attacks.wait(owner, attack_id, small if preferred is None else preferred)
    headers = {"Location": attack_path(attack_id)}
    attack = snapshot.job
    if attack.status == "succeeded" and _NPZ in request.headers.get("accept", ""):
        answer = await _result(request, context, attack, headers)
    else:
        status = 200 if snapshot.is_terminal else 202
        answer = Response(snapshot.body, status, headers, media_type="application/json")
    return await announced(answer, context.store, owner, ATTACK, attack_id, webhook)


@router.get("/{attack_id}", response_model=ObservationAttack, summary="The state of an attack on observations")
async def show(request: Request, attack_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """`Prefer: wait=N` waits up to N seconds for the end."""
    return await job_response(request, context.attacks, owner, attack_id)


@router.get(
    "/{attack_id}/result",
    response_class=Response,
    responses=file_as(_NPZ),
    summary="The perturbed observations and what they do, as .npz",
)
async def result(request: Request, attack_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """`observations`, `loss`, `clean_loss`, `linf`, `l2`, `outputs`, `clean_outputs` and, of choices, `flip`."""
    snapshot = await context.attacks.get(owner, attack_id)
    return await _result(request, context, snapshot.job, {})


@router.post(
    "/{attack_id}/cancel",
    status_code=202,
    response_model=ObservationAttack,
    responses=canceled_before(ObservationAttack),
    summary="Cancel an attack on observations",
)
async def cancel(attack_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """202, 200 where it was canceled before, 409 where it ended otherwise."""

    def stop() -> bool:
        return cancel_job(context.store, context.queue, ATTACK, attack_id)

    return await canceled_response(context.attacks, owner, attack_id, stop)


async def _result(request: Request, context: ContextOf, job: ObservationAttack, headers: dict[str, str]) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{job.id}.npz"'}
    key = keys.job_result(ATTACK.name, job.id, "npz")
    return await result_response(request, context.store, job, key, media_type=_NPZ, headers={**disposition, **headers})


def _read_spec(data: bytes) -> ObservationAttackSpec:
    return parse(ObservationAttackSpec, data, "spec part")


def _read_id(data: bytes) -> str:
    try:
        found = data.decode("ascii").strip()
    except UnicodeDecodeError:
        found = ""
    if not found.isalnum() or len(found) > _LONGEST_ID:
        raise InvalidRequest("policy_id is the id of an uploaded policy; POST /v1/policies gives one.")
    return found
