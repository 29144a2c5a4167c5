"""The readable half of a Stable-Baselines3 zip: plain-text mirrors beside pickles that are dropped unread.

SB3 writes every object that is no JSON as `:type:`, `:serialized:` (a pickle, which its own loader executes) and the
attributes of the object as text (stable_baselines3/common/save_util.py). The text is a hint; the weights are the truth.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any

from saddlepoint.errors import MalformedPolicy, UnpackedTooLarge

MAX_DATA = 64 * 2**20
_SERIALIZED = ":serialized:"
_TYPE = re.compile(r"^<class '[\w.]*?(\w+)'>$")
_FUNCTION = re.compile(r"^<function (\w+)\.")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf)")
_LIBRARIES = ("stable_baselines3", "sb3_contrib")
_CLIP_MEAN = 2.0
"""SB3's default (stable_baselines3/sac/policies.py)."""
_BATCH_NORM_EPS = 0.001
"""sb3-contrib's default (sb3_contrib/crossq/policies.py)."""
_MAX_QUANTILES = 10_000
_MAX_SAID = 200
"""Characters of a name. The patterns take time by the square of the length."""
_MAX_BOUNDS = 256
_TRUTHS = {"True": True, "False": False}
_ACTIVATION_NAMES = {
    "CELU": "Celu",
    "ELU": "Elu",
    "GELU": "Gelu",
    "Hardsigmoid": "HardSigmoid",
    "Hardswish": "HardSwish",
    "Hardtanh": "HardTanh",
    "Identity": "Identity",
    "LeakyReLU": "LeakyRelu",
    "LogSigmoid": "LogSigmoid",
    "Mish": "Mish",
    "ReLU": "Relu",
    "ReLU6": "Relu6",
    "SELU": "Selu",
    "SiLU": "Swish",
    "Sigmoid": "Sigmoid",
    "Softplus": "Softplus",
    "Softsign": "Softsign",
    "Tanh": "Tanh",
    "Tanhshrink": "TanhShrink",
}


@dataclass(frozen=True)
class Space:
    """What the file says of a space: `kind` is the class of gym or gymnasium; what it does not say is None."""

    kind: str | None = None
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    """The finite bounds that all entries share."""
    lows: list[float | None] | None = None
    highs: list[float | None] | None = None
    """The bounds of each of at most `_MAX_BOUNDS` entries, where the text gives all; None in it is no bound."""
    start: int | None = None

    @property
    def is_image(self) -> bool | None:
        """Whether SB3 divides such observations by 255: bytes 0..255 in three dimensions. None if it is not said."""
        if self.shape is None or self.dtype is None:
            return None
        bounded = self.low in (None, 0.0) and self.high in (None, 255.0)
        return len(self.shape) == 3 and self.dtype == "uint8" and bounded


@dataclass(frozen=True)
class Sb3Data:
    """What `data` says in plain text."""

    policy_class: str | None
    observation: Space
    action: Space
    activation: str | None
    """What `perceptron` knows it by, None where the file does not name one."""
    unknown_activation: str | None
    """What the file says of another one, such as a functools.partial of one that is known."""
    has_settings: bool
    """Whether the policy's settings can be read; what they leave out is then SB3's default."""
    normalize_images: bool
    features_extractor: str | None
    unknown_extractor: bool
    """Whether the file states a features extractor of which it does not give the class."""
    squash_output: bool | None
    """Of gSDE and ARS; None where the file does not say."""
    use_expln: bool
    clip_mean: float
    """Options of gSDE."""
    n_quantiles: int | None
    batch_norm_eps: float
    """Of CrossQ."""
    foreign_policy: str | None
    """The module of a policy class that is none of SB3's own."""
    dropped: int
    """How many pickles were left unread."""


def read_data(text: bytes) -> Sb3Data:
    """The mirrors in the entry `data` of an SB3 zip."""
    if len(text) > MAX_DATA:
        raise UnpackedTooLarge(f"The 'data' of an SB3 zip may have {MAX_DATA} bytes; this one has {len(text)}.")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicy(
            "The 'data' of the SB3 zip is not JSON. Save the model again with model.save()."
        ) from error
    if not isinstance(data, dict):
        raise MalformedPolicy("The 'data' of an SB3 zip is a JSON object; here it is not. Save the model again.")
    dropped = sum(isinstance(value, dict) and _SERIALIZED in value for value in data.values())
    mirrors = {
        key: _mirror(data.get(key)) for key in ("policy_class", "observation_space", "action_space", "policy_kwargs")
    }
    settings = mirrors["policy_kwargs"]
    activation, extractor = settings.get("activation_fn"), settings.get("features_extractor_class")
    named = _class_name(activation)
    quantiles = _numbers(settings.get("n_quantiles"))
    return Sb3Data(
        policy_class=_policy_class(mirrors["policy_class"]),
        observation=_space(mirrors["observation_space"]),
        action=_space(mirrors["action_space"]),
        activation=_ACTIVATION_NAMES.get(named or ""),
        unknown_activation=_unknown(activation) if activation is not None and named not in _ACTIVATION_NAMES else None,
        has_settings=bool(settings) or data.get("policy_kwargs") == {},
        normalize_images=settings.get("normalize_images") not in (False, "False"),
        features_extractor=_class_name(extractor),
        unknown_extractor=extractor is not None and _class_name(extractor) is None,
        squash_output=_TRUTHS.get(str(settings.get("squash_output"))),
        use_expln=settings.get("use_expln") in (True, "True"),
        clip_mean=_positive(settings.get("clip_mean"), _CLIP_MEAN),
        n_quantiles=int(quantiles[0]) if len(quantiles) == 1 and 0 < quantiles[0] < _MAX_QUANTILES else None,
        batch_norm_eps=_positive(settings.get("batch_norm_eps"), _BATCH_NORM_EPS),
        foreign_policy=_foreign(mirrors["policy_class"]),
        dropped=dropped,
    )


def _mirror(value: Any) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != _SERIALIZED} if isinstance(value, dict) else {}


def _class_name(text: Any) -> str | None:
    match = _TYPE.match(text) if isinstance(text, str) and len(text) <= _MAX_SAID else None
    return match[1] if match else None


def _unknown(activation: Any) -> str:
    """The name of a class, or whatever text stands for something else."""
    return _class_name(activation) or str(activation)[:_MAX_SAID] or "nothing"


def _policy_class(mirror: Mapping[str, Any]) -> str | None:
    """The class's name, from its methods: the mirror of a class has no name of its own."""
    match = _FUNCTION.match(str(mirror.get("__init__", "")))
    return match[1] if match else None


def _foreign(mirror: Mapping[str, Any]) -> str | None:
    module = mirror.get("__module__")
    is_foreign = isinstance(module, str) and module.split(".")[0] not in _LIBRARIES
    return str(module) if is_foreign else None


def _positive(value: Any, default: float) -> float:
    numbers = _numbers(value)
    return numbers[0] if len(numbers) == 1 and numbers[0] > 0 and isfinite(numbers[0]) else default


def _space(mirror: Mapping[str, Any]) -> Space:
    dtype = re.search(r"\b(u?int\d+|float\d+|bool)\b", str(mirror.get("dtype", "")))
    shape = _shape(mirror.get("_shape", mirror.get("shape")))
    return Space(
        kind=_class_name(mirror.get(":type:")),
        shape=shape,
        dtype=dtype[1] if dtype else None,
        n=_whole(mirror.get("n")),
        low=_shared(mirror, "low", shape),
        high=_shared(mirror, "high", shape),
        lows=_each(mirror, "low", shape),
        highs=_each(mirror, "high", shape),
        start=_whole(mirror.get("start")),
    )


def _shape(value: Any) -> tuple[int, ...] | None:
    numbers = _numbers(value)
    if value is None or any(not number.is_integer() or not 0 < number < 2**31 for number in numbers):
        return None
    return tuple(int(number) for number in numbers)


def _shared(mirror: Mapping[str, Any], key: str, shape: tuple[int, ...] | None) -> float | None:
    """The bound that all entries of a box share, if the text shows that they do."""
    short = _numbers(mirror.get(f"{key}_repr"))
    text = mirror.get(key)
    numbers = short if len(short) == 1 else _numbers(text)
    if len(set(numbers)) != 1 or shape is None or not isfinite(numbers[0]):
        return None
    is_complete = numbers is short or len(numbers) == prod(shape) or "..." in str(text)
    return numbers[0] if is_complete else None


def _each(mirror: Mapping[str, Any], key: str, shape: tuple[int, ...] | None) -> list[float | None] | None:
    numbers = _numbers(mirror.get(key))
    if shape is None or len(numbers) != prod(shape) or len(numbers) > _MAX_BOUNDS or "..." in str(mirror.get(key)):
        return None
    return [number if isfinite(number) else None for number in numbers]


def _whole(value: Any) -> int | None:
    numbers = _numbers(value)
    return int(numbers[0]) if len(numbers) == 1 and numbers[0].is_integer() else None


def _numbers(value: Any) -> list[float]:
    return [float(number) for number in _NUMBER.findall(str(value)[:100_000])] if value is not None else []
