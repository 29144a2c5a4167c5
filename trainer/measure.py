"""What a policy scores unattacked, measured as evaluations are."""

from saddlepoint.evaluation.whole import evaluate
from saddlepoint.schemas.attacks import AttackSpec
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.reports import RobustnessReport


def measure(model: bytes, card: PolicyCard, env: EnvironmentSpec, *, episodes: int) -> RobustnessReport:
    """A report on `episodes` whole games of the canonical `model`, sampled actions, raw score; seeds 0, 1, ..."""
    spec = EvaluationSpec(
        policy_id=card.id,
        env=env,
        attacks=(AttackSpec(kind="none"),),
        epsilon=(0.0,),
        seeds=tuple(range(episodes)),
        episodes_per_seed=1,
        precision="fp32",
    )
    return evaluate(model, card, spec)
