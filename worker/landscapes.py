"""KL landscapes, as chunked work."""

from collections.abc import Callable, Sequence

from saddlepoint.evaluation.landscape import survey_chunk
from saddlepoint.evaluation.landscape_page import render_landscape, render_section
from saddlepoint.evaluation.landscape_result import fold_landscape, summarised
from saddlepoint.evaluation.observations import from_npz, to_npz
from saddlepoint.landscape_index import index_keys
from saddlepoint.schemas import keys
from saddlepoint.schemas.landscapes import LandscapeRecord, LandscapeSummaries
from saddlepoint.work import LANDSCAPE
from worker.chunks import ChunkedWork
from worker.context import Context
from worker.policies import load_card, load_model


def _compute(context: Context, record: LandscapeRecord, chunk: int, alive: Callable[[], None]) -> bytes:
    policy, number = record.place(chunk)
    policy_id = record.spec.policy_ids[policy]
    model, card = load_model(context, policy_id), load_card(context, policy_id)
    return to_npz(survey_chunk(model, card, record.spec, record.environment, number, alive=alive))


def _fold(context: Context, record: LandscapeRecord, chunks: Sequence[bytes]) -> dict[str, bytes]:
    each = record.spec.chunks_per_policy
    own = [[from_npz(chunk) for chunk in chunks[start : start + each]] for start in range(0, record.chunks, each)]
    result = fold_landscape(record, [_name(context, policy_id) for policy_id in record.spec.policy_ids], own)
    summary = LandscapeSummaries(policies=[summarised(policy) for policy in result.policies])
    return {
        keys.job_result(LANDSCAPE.name, record.id, "json"): result.model_dump_json().encode(),
        keys.job_result(LANDSCAPE.name, record.id, "html"): render_landscape(result).encode(),
        keys.job_summary(LANDSCAPE.name, record.id): summary.model_dump_json().encode(),
        **{
            keys.landscape_section(record.id, policy_id): render_section(result, policy_id).encode()
            for policy_id in record.spec.policy_ids
        },
        **dict.fromkeys(index_keys(record), b""),
    }


def _name(context: Context, policy_id: str) -> str:
    return load_card(context, policy_id).name or f"policy {policy_id[:8]}"


LANDSCAPES = ChunkedWork(LANDSCAPE, LandscapeRecord, _compute, _fold)
