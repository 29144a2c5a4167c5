"""The pages that the service shows by itself: templates, and the style and scripts that they load from here only."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from saddlepoint import assets as shared
from service.pages import formatting
from service.pages.assets import Assets

_FOLDER = Path(__file__).parent

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""Nothing is loaded from elsewhere, and no script or style stands in a page."""
HEADERS = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "private, no-cache", "Vary": "Accept, Cookie"}

ASSETS = Assets.read(_FOLDER / "static", Path(shared.__file__).parent)
"""Ours, and what workers put into the pages that they render."""


def render(name: str, **values: Any) -> str:
    """The page that a template makes of `values`, each of them escaped."""
    return template(name).render(**values)


def template(name: str) -> Template:
    """A template of this package."""
    return _ENVIRONMENT.get_template(name)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= formatting.FILTERS
    environment.globals["asset"] = ASSETS.url
    return environment


_ENVIRONMENT = _environment()
