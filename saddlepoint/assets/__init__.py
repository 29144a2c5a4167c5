"""Files that pages carry, whoever makes them."""

from importlib.resources import files


def script(name: str) -> str:
    """The text of a script that stands alone."""
    return files(__name__).joinpath(f"{name}.js").read_text(encoding="utf-8")
