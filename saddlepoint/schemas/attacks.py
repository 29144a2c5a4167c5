"""The attacks: the catalogue, what a user asks for, and what is played."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from saddlepoint.errors import InvalidEpsilon, InvalidSpec, UnknownAttack
from saddlepoint.schemas.base import Schema

Objective = Literal["ce", "max", "min", "value", "kl", "margin"]
"""What a gradient climbs."""
AttackKind = Literal["none", "random", "fgsm", "square", "max", "min", "margin", "kl", "value", "ce", "worst"]
Norm = Literal["linf", "l2"]
_OBJECTIVES: tuple[Objective, ...] = get_args(Objective)


class Always(Schema):
    """The attacker acts at every step."""

    kind: Literal["always"] = "always"


class Fraction(Schema):
    """At each step with probability `fraction`, drawn apart for every step (Mandlekar et al. 2017)."""

    kind: Literal["fraction"]
    fraction: float = Field(gt=0, le=1)


class Every(Schema):
    """At every `every`-th step, the first included (Kos and Song 2017)."""

    kind: Literal["every"]
    every: int = Field(ge=1)


class ValueAbove(Schema):
    """Where the policy's own value of the clean observation is above `threshold` (Kos and Song 2017)."""

    kind: Literal["value_above"]
    threshold: float


class PreferenceGap(Schema):
    """Where the clean probabilities of best and worst action are more than `threshold` apart (Lin et al. 2017)."""

    kind: Literal["preference_gap"]
    threshold: float = Field(ge=0, lt=1)


WhenRule = Annotated[Always | Fraction | Every | ValueAbove | PreferenceGap, Field(discriminator="kind")]
"""At which steps the attacker acts."""


class AttackDescription(Schema):
    """A row of `GET /v1/attacks`."""

    kind: AttackKind
    title: str
    summary: str
    source: str
    uses_gradient: bool


ATTACKS: dict[str, AttackDescription] = {
    "none": AttackDescription(
        kind="none",
        title="No attack",
        summary="The clean observation.",
        source="the reference of every comparison",
        uses_gradient=False,
    ),
    "random": AttackDescription(
        kind="random",
        title="Random",
        summary="Uniform noise in the ball.",
        source="the baseline of the ATPA paper, section 5",
        uses_gradient=False,
    ),
    "fgsm": AttackDescription(
        kind="fgsm",
        title="FGSM",
        summary="One step of epsilon on the loss of Max (or another `loss`).",
        source="Huang et al. 2017; Goodfellow et al. 2015",
        uses_gradient=True,
    ),
    "square": AttackDescription(
        kind="square",
        title="Square",
        summary="Black box: random squares that are kept where they raise the loss; no gradient.",
        source="Andriushchenko et al. 2020",
        uses_gradient=False,
    ),
    "max": AttackDescription(
        kind="max",
        title="Max",
        summary="Lowers the probability of the clean policy's most likely action.",
        source="Huang et al. 2017",
        uses_gradient=True,
    ),
    "min": AttackDescription(
        kind="min",
        title="Min",
        summary="Raises the probability of the clean policy's least likely action.",
        source="Pattanaik et al. 2018",
        uses_gradient=True,
    ),
    "margin": AttackDescription(
        kind="margin",
        title="Margin",
        summary="Raises the best other logit against the top one: a gradient where others have none.",
        source="Carlini and Wagner 2017",
        uses_gradient=True,
    ),
    "kl": AttackDescription(
        kind="kl",
        title="KL (MAD)",
        summary="Raises the divergence of the perturbed policy from the clean one.",
        source="Zhang et al. 2020, SA-MDP",
        uses_gradient=True,
    ),
    "value": AttackDescription(
        kind="value",
        title="Value",
        summary="Lowers the value that the policy's own Q gives to the perturbed choice of actions.",
        source="the ATPA paper, Eq. 7",
        uses_gradient=True,
    ),
    "ce": AttackDescription(
        kind="ce",
        title="Policy attack (CE)",
        summary="Raises the cross entropy of the perturbed policy against the clean one.",
        source="the ATPA paper, Eq. 9",
        uses_gradient=True,
    ),
    "worst": AttackDescription(
        kind="worst",
        title="Worst of a set",
        summary="At every step, of the attacks named in `members`, the one with the highest cross entropy, or where a "
        "critic stands beside the policy the lowest value.",
        source="the strongest attack per step",
        uses_gradient=True,
    ),
}
"""Every attack, weakest first; reports keep this order."""


class AttackSpec(Schema):
    """One attack of an evaluation; a field left out is taken from the evaluation."""

    kind: AttackKind
    label: str | None = Field(default=None, min_length=1, max_length=60)
    epsilon: float | list[float] | None = None
    steps: int | None = Field(default=None, ge=1, le=1000)
    """Gradient steps; of `square` the queries, of which it takes 100 unless told."""
    step_size: float | None = Field(default=None, gt=0)
    norm: Norm = "linf"
    restarts: int = Field(default=1, ge=1, le=50)
    """Starts from other points of the ball; the highest loss is kept."""
    quantize: bool = False
    """Round the perturbation towards 0 to whole numbers after the last step: a picture that a camera could give."""
    clip: bool = True
    """Keep to the bounds of the observation. The paper states only the ball: false is its Table 1."""
    frame_consistent: bool = False
    """Perturb each frame once, when it is new, and keep its perturbation while it moves through the stack."""
    loss: Objective | None = None
    """What `fgsm` (max) and `square` (margin) raise, if not their own."""
    members: tuple[Objective, ...] = ()
    """Of `worst`: the attacks it chooses from; ce, max and min unless told."""
    when: WhenRule | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"kind": value}
        if isinstance(value, dict) and value.get("kind") not in tuple(ATTACKS):
            raise UnknownAttack(f"An attack's kind is one of {', '.join(ATTACKS)}; got {value.get('kind')!r}.")
        return without_booleans(value, "epsilon", "steps", "step_size", "restarts")

    @model_validator(mode="after")
    def _consistent(self) -> "AttackSpec":
        if self.loss is not None and self.kind not in ("fgsm", "square"):
            raise InvalidSpec(f"loss is for fgsm and square, got it with {self.kind}, which has its own; leave it out.")
        if self.members and self.kind != "worst":
            raise InvalidSpec(f"members are for worst, got them with {self.kind}; leave them out.")
        if len(set(self.members)) != len(self.members):
            raise InvalidSpec("members must differ from one another; name each attack once.")
        if self.frame_consistent and self.norm != "linf":
            raise InvalidSpec("frame_consistent works in the linf ball, whose entries are independent; got norm l2.")
        if self.norm != "linf" and self.kind == "square":
            raise InvalidSpec("square is an attack of the linf ball; got norm l2. Leave norm out.")
        return self


def check_radii(values: Iterable[float]) -> None:
    """Raise InvalidEpsilon for an epsilon, an entry of its scale or a step size that float32 does not compute with."""
    for value in values:
        if value < 0:
            raise InvalidEpsilon(f"epsilon must not be negative, got {value:g}; 0 is the clean observation.")
        if value > MAX_EPSILON or 0 < value < MIN_EPSILON:
            raise InvalidEpsilon(
                f"epsilon, its scale and step_size are 0 or lie between {MIN_EPSILON:g} and {MAX_EPSILON:g}, got "
                f"{value:g}; float32 has no more."
            )


def without_booleans(value: Any, *names: str) -> Any:
    """`value` as it is, unless one of these fields is true or false, which Python would take for 1 or 0."""
    if isinstance(value, dict):
        for name in names:
            if isinstance(value.get(name), bool):
                raise InvalidSpec(f"{name} is a number, got {str(value[name]).lower()}; write the number itself.")
    return value


MIN_EPSILON, MAX_EPSILON = 1e-30, 1e30
SQUARE_QUERIES = 100
MOST_TRIES = 64
"""Starts of an attack at one step. Part of where their noise is drawn from: never change it."""
DEFAULT_MEMBERS: tuple[Objective, ...] = ("ce", "max", "min")


class ResolvedAttack(Schema):
    """An attack with nothing left open: one cell's worth. Epsilon and step size in observation units."""

    kind: AttackKind
    epsilon: float = 0.0
    steps: int = 0
    step_size: float = 0.0
    norm: Norm = "linf"
    restarts: int = 1
    quantize: bool = False
    clip: bool = True
    frame_consistent: bool = False
    loss: Objective | None = None
    members: tuple[Objective, ...] = ()
    when: WhenRule = Always()

    @property
    def uses_gradient(self) -> bool:
        return ATTACKS[self.kind].uses_gradient

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What its tries climb, one a try and in this order; none if it raises nothing."""
        own = {"fgsm": self.loss or "max", "square": self.loss or "margin"}.get(self.kind, self.kind)
        climbed = self.members if self.kind == "worst" else tuple(kind for kind in _OBJECTIVES if kind == own)
        return climbed * self.restarts

    @property
    def steps_in_all(self) -> int:
        """What it takes of one observation in all its tries: gradients, or queries of a search, which tries once."""
        return self.steps * len(self.objectives) if self.uses_gradient else self.steps

    @property
    def measured_by(self) -> Objective:
        """The loss that is reported, and by which the best of several tries is known; of `worst` without a critic."""
        return "ce" if self.kind == "worst" or not self.objectives else self.objectives[0]


def resolve(
    attack: AttackSpec, epsilon: float, *, steps: int, step_size: float | None, when: WhenRule
) -> ResolvedAttack:
    """The attack at one epsilon, with what it leaves open taken from the evaluation."""
    if attack.kind == "none":
        return ResolvedAttack(kind="none")
    shared = {
        "kind": attack.kind,
        "epsilon": epsilon,
        "norm": attack.norm,
        "clip": attack.clip,
        "quantize": attack.quantize,
        "frame_consistent": attack.frame_consistent,
        "when": attack.when or when,
    }
    if attack.kind == "random":
        return ResolvedAttack(**shared)
    if attack.kind == "fgsm":
        moves = {"steps": 1, "step_size": epsilon}
    elif attack.kind == "square":
        moves = {"steps": attack.steps or SQUARE_QUERIES, "step_size": 0.0}
    else:
        moves = {"steps": attack.steps or steps, "step_size": attack.step_size or step_size or epsilon / 2}
    members = (attack.members or DEFAULT_MEMBERS) if attack.kind == "worst" else ()
    return ResolvedAttack(**shared, **moves, restarts=attack.restarts, loss=attack.loss, members=members)
