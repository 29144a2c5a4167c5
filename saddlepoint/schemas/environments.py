"""Which environment an evaluation plays, and what is known of it without loading it."""

import re
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field, model_validator

from saddlepoint.errors import InvalidSpec, UnknownEnvironment
from saddlepoint.schemas.atari_games import ATARI_GAMES, FULL_ACTIONS
from saddlepoint.schemas.base import Schema, digest

_NO_FRAMESKIP = re.compile(r"^(?P<game>[A-Za-z0-9]+)NoFrameskip-v4$")
_V5 = re.compile(r"^ALE/(?P<game>[A-Za-z0-9]+)-v5$")
_LIKE_ATARI = re.compile(r"^(?:ALE/)?(?P<game>[A-Za-z0-9]+?)(?:-ram)?(?:NoFrameskip|Deterministic)?(?:-v\d+)?$", re.I)
_GYMNASIUM = re.compile(r"^([A-Za-z0-9_.-]+/)?[A-Za-z0-9_.-]+$")
ATARI_MAX_FRAMES = 108_000


class EnvironmentSpec(Schema):
    """An environment by id, with the options of Atari preprocessing.

    Atari ids are `<Game>NoFrameskip-v4` (no sticky actions) and `ALE/<Game>-v5` (sticky 0.25); the id decides only
    the game and the stickiness. The frame options do not apply to other environments. `kwargs` go to
    `gymnasium.make` and are refused for Atari.
    """

    id: str = Field(min_length=1, max_length=200)
    frame_size: tuple[int, int] = (84, 84)
    frame_stack: int = Field(default=4, ge=1, le=16)
    grayscale: bool = True
    frameskip: int = Field(default=4, ge=1, le=64)
    sticky: float | None = Field(default=None, ge=0, le=1)
    full_action_space: bool = False
    kwargs: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_id(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known(self) -> "EnvironmentSpec":
        if not _GYMNASIUM.match(self.id):
            raise UnknownEnvironment(
                f"An environment id is a name such as 'BoxingNoFrameskip-v4' or 'CartPole-v1'; {self.id!r} is not."
            )
        game = atari_game(self.id)
        if game is not None and game not in ATARI_GAMES:
            raise UnknownEnvironment(
                f"The Atari game {game!r} is not among the {len(ATARI_GAMES)} that ale-py registers"
                f"{_close_game(game)}; GET /v1/environments lists them."
            )
        if game is not None and self.kwargs:
            raise InvalidSpec(
                f"kwargs must be empty for Atari, whose options are fields of their own; got {sorted(self.kwargs)}. "
                "Leave them out: the game is always played in its default mode and difficulty."
            )
        if min(self.frame_size) < 36 or max(self.frame_size) > 210:
            raise ValueError(f"frame_size must lie between 36 and 210 pixels, got {self.frame_size}")
        return self

    @property
    def game(self) -> str | None:
        """The Atari game, or None for another environment."""
        return atari_game(self.id)

    @property
    def is_atari(self) -> bool:
        return self.game is not None

    @property
    def repeat_action_probability(self) -> float:
        """Sticky actions: as given, else 0.25 for the v5 protocol and 0 for v4."""
        if self.sticky is not None:
            return self.sticky
        return 0.25 if _V5.match(self.id) else 0.0

    def resolved(self) -> "EnvironmentSpec":
        """The same environment with what the id implies written out, so that equal meanings hash alike."""
        if not self.is_atari:
            return EnvironmentSpec(id=self.id, kwargs=self.kwargs)
        return self.model_copy(update={"sticky": self.repeat_action_probability})

    def key(self) -> str:
        """A hash of the environment's meaning."""
        return digest(self.resolved().model_dump(mode="json"))


def atari_game(env_id: str) -> str | None:
    """The game of an Atari id (known or not), None for any other id."""
    match = _NO_FRAMESKIP.match(env_id) or _V5.match(env_id)
    return match["game"] if match else None


def atari_ids_like(env_id: str) -> tuple[str, str] | None:
    """Both ids of the Atari game that another spelling means, such as Pong, pong-v5 or PongDeterministic-v4."""
    match = _LIKE_ATARI.match(env_id)
    meant = match["game"].lower() if match else ""
    game = next((game for game in ATARI_GAMES if game.lower() == meant), None)
    return (f"ALE/{game}-v5", f"{game}NoFrameskip-v4") if game else None


def _close_game(game: str) -> str:
    close = get_close_matches(game, ATARI_GAMES, 1)
    return f", did you mean {close[0]!r}" if close else ""


class BoxSpace(Schema):
    """A box of observations: `low` and `high` are a scalar where all entries share it, else one per entry, flat.

    An unbounded side is None (JSON has no infinity).
    """

    shape: tuple[int, ...]
    dtype: str
    low: float | list[float | None] | None
    high: float | list[float | None] | None


class DiscreteSpace(Schema):
    """`n` actions, numbered from `start` in the environment and from 0 in the policy."""

    kind: Literal["discrete"] = "discrete"
    n: int = Field(ge=1)
    start: int = 0


class ContinuousSpace(Schema):
    """Actions of `n` numbers, flat, whatever the `shape` that the environment takes them in.

    `low` and `high` are as a BoxSpace's: a scalar, or one number per entry; None where there is no bound.
    """

    kind: Literal["continuous"] = "continuous"
    n: int = Field(ge=1)
    shape: tuple[int, ...]
    low: float | list[float | None] | None
    high: float | list[float | None] | None

    @property
    def bounded(self) -> bool:
        """Whether every number has a bound on both sides."""
        sides = (side if isinstance(side, list) else [side] for side in (self.low, self.high))
        return all(None not in side for side in sides)


class EnvironmentDescription(Schema):
    """What a policy must fit: the spaces of an environment."""

    env: EnvironmentSpec
    observation: BoxSpace
    action: DiscreteSpace | ContinuousSpace = Field(discriminator="kind")
    max_episode_steps: int | None = None


def describe_atari(env: EnvironmentSpec) -> EnvironmentDescription:
    """The spaces of an Atari environment, from the checked-in table."""
    if env.game is None:
        raise UnknownEnvironment(f"{env.id!r} is not an Atari id such as 'BoxingNoFrameskip-v4'.")
    shape = (env.frame_stack, *env.frame_size) if env.grayscale else (*env.frame_size, 3 * env.frame_stack)
    actions = FULL_ACTIONS if env.full_action_space else ATARI_GAMES[env.game].actions
    return EnvironmentDescription(
        env=env.resolved(),
        observation=BoxSpace(shape=shape, dtype="uint8", low=0.0, high=255.0),
        action=DiscreteSpace(n=actions),
        max_episode_steps=-(-ATARI_MAX_FRAMES // env.frameskip),
    )
