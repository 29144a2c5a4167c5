"""What the numbers of a game's actions mean, where somebody has said so."""

import re

from ale_py import Action, ALEInterface, LoggerMode, roms

from saddlepoint.schemas.atari_games import ATARI_GAMES, FULL_ACTIONS
from saddlepoint.schemas.environments import EnvironmentSpec

_PARTS = re.compile("NOOP|FIRE|UP|DOWN|LEFT|RIGHT")


def action_names(env: EnvironmentSpec) -> tuple[str, ...]:
    """Of an Atari game in the order of its actions, such as `up + fire`; of another environment none."""
    if env.game is None:
        return ()
    if env.full_action_space:
        actions = [Action(number) for number in range(FULL_ACTIONS)]
    else:
        rom = roms.get_rom_path(ATARI_GAMES[env.game].rom)
        assert rom is not None  # a test compares the table of games with ale-py's
        ALEInterface.setLoggerMode(LoggerMode.Error)
        emulator = ALEInterface()
        emulator.loadROM(rom)
        actions = emulator.getMinimalActionSet()
    return tuple(" + ".join(_PARTS.findall(action.name)).lower() for action in actions)
