"""Which form of a result a client wants."""

from collections.abc import Mapping
from dataclasses import dataclass

from saddlepoint.errors import NotAcceptable

_ALONE = "sandbox allow-scripts allow-downloads; default-src 'none'; img-src data:; media-src data:; "
_ALONE += "font-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""A report holds names that others chose: it may load nothing, and act for nobody."""


@dataclass(frozen=True)
class ReportFormat:
    media_type: str
    headers: dict[str, str]


FORMATS: dict[str, ReportFormat] = {
    "json": ReportFormat("application/json", {}),
    "html": ReportFormat("text/html", {"Content-Security-Policy": _ALONE}),
}
"""The first is what a client without a preference gets."""


def choose_format(wanted: str | None, accept: str, formats: Mapping[str, ReportFormat] = FORMATS) -> str:
    """`wanted` where it is given, else the best of what the Accept header allows (RFC 9110, 12.5.1)."""
    if wanted is not None:
        if wanted not in formats:
            raise _not_acceptable(wanted, formats)
        return wanted
    qualities = {name: _quality(form.media_type, accept) for name, form in formats.items()}
    best = max(qualities, key=lambda name: qualities[name])
    if qualities[best] <= 0:
        raise _not_acceptable(accept, formats)
    return best


def _quality(media_type: str, accept: str) -> float:
    """How much a type is wanted: the q of the most specific range that covers it."""
    if not accept.strip():
        return 1.0
    covering = {media_type: 3, f"{media_type.partition('/')[0]}/*": 2, "*/*": 1}
    best = (0, 0.0)
    for entry in accept.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        if name in covering:
            best = max(best, (covering[name], _q(parameters)))
    return best[1]


def _q(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _not_acceptable(wanted: str, formats: Mapping[str, ReportFormat]) -> NotAcceptable:
    return NotAcceptable(f"A report comes as {' or '.join(formats)}, got {wanted[:80]!r}; choose one with ?format=.")
