"""A small table with its notes, as a terminal and as a notebook show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_GAP = "  "
_CELL = "padding:.2em .7em;border-bottom:1px solid #8884;white-space:nowrap"


@dataclass(frozen=True)
class Table:
    """Texts in rows; the columns in `right` are aligned to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()
    notes: Sequence[str] = ()
    """Said below it, a line each."""
    spare: Sequence[int] = ()
    """Columns that a narrow terminal does without, the first one first."""

    def text(self, width: int | None = None) -> str:
        """Columns padded to their widest entry, two spaces apart; in at most `width` characters where that can be."""
        lines = [self.header, *self.rows]
        widths = {column: max(len(line[column]) for line in lines) for column in range(len(self.header))}
        for column in self.spare:
            if width is not None and sum(widths.values()) + len(_GAP) * (len(widths) - 1) > width:
                del widths[column]
        rule = ["-" * widths.get(column, 0) for column in range(len(self.header))]
        table = [self._line(line, widths) for line in (self.header, rule, *self.rows)]
        return "\n".join([*table, *(["", *self.notes] if self.notes else [])])

    def html(self) -> str:
        """Without scripts and styles from elsewhere: it is what `_repr_html_` gives a notebook."""
        head = "".join(self._cell("th", column, text) for column, text in enumerate(self.header))
        body = "".join(
            f"<tr>{''.join(self._cell('td', column, text) for column, text in enumerate(row))}</tr>"
            for row in self.rows
        )
        notes = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        sections = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        return f'<table style="border-collapse:collapse">{sections}</table>{notes}'

    def _line(self, line: Sequence[str], widths: Mapping[int, int]) -> str:
        padded = [
            line[column].rjust(width) if column in self.right else line[column].ljust(width)
            for column, width in widths.items()
        ]
        return _GAP.join(padded).rstrip()

    def _cell(self, tag: str, column: int, text: str) -> str:
        side = "right" if column in self.right else "left"
        return f'<{tag} style="text-align:{side};{_CELL}">{escape(text)}</{tag}>'
