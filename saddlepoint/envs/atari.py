"""ale-py's vector environment with the preprocessing of an EnvironmentSpec: its only constructor."""

import numpy as np
from ale_py import ALEInterface, LoggerMode
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from saddlepoint.errors import UnknownEnvironment
from saddlepoint.schemas.atari_games import ATARI_GAMES
from saddlepoint.schemas.environments import ATARI_MAX_FRAMES, EnvironmentSpec


def make_atari_vector(
    env: EnvironmentSpec, lanes: int, *, training: bool, threads: int = 1, noop_max: int = 30
) -> AtariVectorEnv:
    """A vector of emulators: frame skip, max of the last two frames, area resize, stack.

    Rewards are raw, a game is whole and lasts 108,000 frames at most. FIRE is pressed after a reset where the game has
    it. Training also reports a lost life as terminated while the game goes on (`life_loss_info`): ale-py's own
    `episodic_life` would start the game anew, so that later lives were never seen. Whoever trains clips the rewards, as
    the raw score is wanted too. What it gives is for `pictures_of`.
    """
    if env.game is None:
        raise UnknownEnvironment(f"{env.id!r} is not an Atari id such as 'BoxingNoFrameskip-v4'.")
    ALEInterface.setLoggerMode(LoggerMode.Error)
    height, width = env.frame_size
    return AtariVectorEnv(
        ATARI_GAMES[env.game].rom,
        lanes,
        num_threads=threads,
        max_num_frames_per_episode=ATARI_MAX_FRAMES,
        repeat_action_probability=env.repeat_action_probability,
        full_action_space=env.full_action_space,
        autoreset_mode=AutoresetMode.NEXT_STEP,
        img_height=height,
        img_width=width,
        grayscale=env.grayscale,
        stack_num=env.frame_stack,
        frameskip=env.frameskip,
        noop_max=noop_max,
        life_loss_info=training,
        reward_clipping=False,
    )


def pictures_of(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the vector gives as policies take it: (lanes, stack, height, width), or in colour with all colours last.

    Of colour it is (lanes, height, width, 3 * stack), the oldest frame's first, as stacks of such pictures are made
    elsewhere.
    """
    if frames.ndim == 4:
        return frames
    lanes, stack, height, width, colours = frames.shape
    return frames.transpose(0, 2, 3, 1, 4).reshape(lanes, height, width, stack * colours)
