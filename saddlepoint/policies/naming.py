"""Names that come from an upload, made safe to repeat in a message or a card."""


def plain(text: str, limit: int = 80) -> str:
    """`text` with every unusual character as '?', cut to `limit` characters."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-/") else "?" for c in text[:limit])
