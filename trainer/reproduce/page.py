"""Table and figures as files in the study's folder, and all of them on one page."""

import html
from collections.abc import Iterator, Sequence
from pathlib import Path

from saddlepoint.evaluation.png import data_uri
from trainer.files import write_atomically
from trainer.reproduce.figures import STYLE, Figure, make_figures
from trainer.reproduce.study import Study
from trainer.reproduce.table import make_table


def render(study: Study, root: Path) -> str:
    """Write `table.md`, the figures and `index.html`; the table."""
    table = make_table(study, root)
    drawn = list(make_figures(study, root))
    (root / "figures").mkdir(parents=True, exist_ok=True)
    for figure in drawn:
        write_atomically(root / "figures" / figure.name, figure.data)
    write_atomically(root / "table.md", table.encode())
    write_atomically(root / "index.html", _page(table, drawn).encode())
    return table


def _page(table: str, drawn: Sequence[Figure]) -> str:
    figures = "".join(f"<section class='keep'><h2>{html.escape(f.caption)}</h2>{_shown(f)}</section>" for f in drawn)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>ATPA reproduced</title>"
        f"<style>{STYLE} img {{ max-width: 100%; image-rendering: pixelated; }}</style></head>"
        f"<body><main><h1>ATPA reproduced</h1>{''.join(_tables(table))}{figures}</main></body></html>\n"
    )


def _tables(markdown: str) -> Iterator[str]:
    """The Markdown that `make_table` writes."""
    for block in markdown.split("\n\n"):
        lines = block.strip().splitlines()
        if lines[0].startswith("|"):
            rows = [[html.escape(cell.strip()) for cell in line.strip("|").split("|")] for line in lines]
            head, body = rows[0], rows[2:]
            cells = "".join(f"<tr><th>{row[0]}</th><td>{'</td><td>'.join(row[1:])}</td></tr>" for row in body)
            yield f"<div class='scroll'><table><tr><th>{'</th><th>'.join(head)}</th></tr>{cells}</table></div>"
        elif lines[0].startswith("### "):
            yield f"<h2>{html.escape(lines[0].removeprefix('### '))}</h2>"
        else:
            yield f"<p class='note'>{html.escape(block)}</p>"


def _shown(figure: Figure) -> str:
    if figure.name.endswith(".svg"):
        return figure.data.decode()
    if figure.name.endswith(".png"):
        return f"<img src='{data_uri(figure.data)}' alt='{html.escape(figure.caption)}'>"
    return f"<p><a href='figures/{html.escape(figure.name)}'>{html.escape(figure.name)}</a></p>"
