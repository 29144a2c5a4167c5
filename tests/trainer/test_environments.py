"""Training sees lost lives; the score is of whole games."""

import numpy as np

from saddlepoint.envs.interface import Actions
from saddlepoint.schemas.environments import EnvironmentSpec
from trainer.environments import Outcome, make_training_environment
from trainer.games import Games


def play_breakout(steps: int) -> list[Outcome]:
    """A lane that only ever serves, and so loses one life after the other."""
    environment = make_training_environment(EnvironmentSpec(id="BreakoutNoFrameskip-v4"), 1)
    environment.reset([0], [7])
    outcomes = [environment.step(np.array([1])) for _ in range(steps)]
    environment.close()
    return outcomes


def test_a_lost_life_ends_the_learners_episode_and_not_the_game() -> None:
    outcomes = play_breakout(200)
    ended = [index for index, outcome in enumerate(outcomes) if outcome.ended[0]]
    over = [index for index, outcome in enumerate(outcomes) if outcome.over[0]]
    assert len(ended) >= 5
    assert over[:1] == ended[4:5]


def test_rewards_are_raw() -> None:
    environment = make_training_environment(EnvironmentSpec(id="AtlantisNoFrameskip-v4"), 1)
    environment.reset([0], [7])
    largest = max(float(environment.step(np.array([t % 4])).rewards[0]) for t in range(600))
    environment.close()
    assert largest >= 100


def test_a_vector_environment_ends_as_a_whole() -> None:
    environment = make_training_environment(EnvironmentSpec(id="CartPole-v1"), 2)
    environment.reset([0, 1], [1, 2])
    outcomes = [environment.step(np.array([1, t % 2])) for t in range(15)]
    environment.close()
    first = next(outcome for outcome in outcomes if outcome.over[0])
    assert (first.ended[0], first.truncated[0]) == (True, False)
    assert first.over.tolist() == [True, False]


def started_games() -> Games:
    games = Games(make_training_environment(EnvironmentSpec(id="CartPole-v1"), 3), 3, seed=0)
    games.start()
    return games


def test_the_score_of_a_finished_game_is_kept() -> None:
    games = started_games()
    total = 0.0
    while not games.finished:
        outcome, _ = games.step(np.array([1, 0, 1]))
        games.settle()
        total += float(outcome.rewards[0])
    assert games.recent[0] == total  # each step pays 1, so the first game to end lasted as long as all have


def test_a_new_game_begins_where_one_ended() -> None:
    games = started_games()
    while not games.finished:
        games.step(np.array([1, 0, 1]))
        games.settle()
    assert (np.abs(games.observations) < 0.25).any(axis=0).all()
    assert sum(games.state().started) == 3 + games.finished


def test_a_limit_hands_out_the_last_observation() -> None:
    games = started_games()
    step = games.environment.step

    def cut(actions: Actions) -> Outcome:
        outcome = step(actions)
        everywhere = np.ones(3, dtype=np.bool_)
        return Outcome(outcome.rewards, everywhere, everywhere, everywhere)

    games.environment.step = cut  # type: ignore[method-assign]
    before = games.observations.copy()
    _, last = games.step(np.array([1, 1, 1]))
    assert last is not None
    assert np.abs(last - before).max() < 0.5
    assert not np.array_equal(last, games.observations)
