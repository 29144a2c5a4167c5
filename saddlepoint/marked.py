"""Text for the pages of the service and of reports."""

import re

from markupsafe import Markup, escape


def marked(text: str) -> Markup:
    """As HTML, with the names that stand between backticks as code."""
    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(text))))
