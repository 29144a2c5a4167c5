"""What the paper reports: its Table 1, mean returns of 2,500 episodes at epsilon 4."""

GAMES = ("BoxingNoFrameskip-v4", "SpaceInvadersNoFrameskip-v4", "CarnivalNoFrameskip-v4")
METHODS = ("standard", "atpa", "stagewise", "dataaugment")
ATTACKS = ("ce", "max", "min", "random", "none")

TABLE_1: dict[str, dict[str, tuple[float, float, float, float, float]]] = {
    "BoxingNoFrameskip-v4": {
        "standard": (-5.65, 11.15, -8.91, 98.70, 99.44),
        "atpa": (97.63, 98.13, 98.03, 98.30, 98.23),
        "stagewise": (97.52, 98.02, 98.03, 98.08, 98.04),
        "dataaugment": (82.69, 84.15, 94.14, 96.78, 96.92),
    },
    "SpaceInvadersNoFrameskip-v4": {
        "standard": (63.31, 132.70, 68.36, 2845.76, 2836.46),
        "atpa": (2557.98, 2575.79, 2658.02, 2727.64, 2718.72),
        "stagewise": (1974.53, 2148.43, 2249.77, 2444.70, 2407.65),
        "dataaugment": (2000.16, 1994.72, 2214.56, 2401.38, 2394.75),
    },
    "CarnivalNoFrameskip-v4": {
        "standard": (542.36, 765.52, 523.50, 4388.75, 4386.52),
        "atpa": (4506.39, 4542.42, 4554.94, 4585.01, 4586.36),
        "stagewise": (3743.26, 3838.80, 3798.00, 3918.65, 3918.20),
        "dataaugment": (3574.90, 3566.73, 3694.41, 3731.10, 3780.79),
    },
}
"""By game and method, in the order of ATTACKS."""


def reported(game: str, method: str, attack: str) -> float | None:
    """The paper's mean, None where it has none."""
    found = TABLE_1.get(game, {}).get(method)
    return None if found is None or attack not in ATTACKS else found[ATTACKS.index(attack)]
