"""The pages that the service shows by itself: one file each, without anything from elsewhere."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from service.pages import formatting

_FOLDER = Path(__file__).parent


def source(name: str) -> str:
    """A page as it stands in this folder."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def template(name: str) -> Template:
    """A template of this folder; what it is given is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= formatting.FILTERS
    return environment.get_template(name)
