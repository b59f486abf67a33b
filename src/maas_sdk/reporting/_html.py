"""Renders sections as one self-contained HTML page: no scripts, nothing loaded, all text escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from maas_sdk._internal.charts import Line, bar_chart, line_chart
from maas_sdk.reporting._blocks import Bars, Drawing, Facts, HeatTable, Section, Table, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.reporting._blocks import Block

__all__ = ["render_html"]

_DARK_TEXT_UP_TO = 0.55
"""Share of a row from which on a cell of the heat table is so dark that its number is white."""

_STYLE = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1c2430;--muted:#5d6878;--line:#dfe4ea;
--accent:#2563c9;--heat:37 99 201;--on-heat:#fff}
@media(prefers-color-scheme:dark){:root{--page:#12161c;--card:#1a2029;--ink:#e4e9f0;--muted:#98a4b5;
--line:#2e3744;--accent:#7fb0ff;--heat:62 116 218;--on-heat:#fff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:56rem;margin:0 auto;padding:1.5rem 1rem 3rem}
header{padding:.5rem .25rem 1.25rem}
h1{font-size:1.9rem;line-height:1.2;margin:0;overflow-wrap:anywhere}
header p{margin:.35rem 0 0;color:var(--muted)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;
padding:1.1rem 1.25rem;margin:0 0 1rem}
h2{font-size:1.1rem;margin:0 0 .7rem}
h3{font-size:.95rem;margin:1.2rem 0 .5rem;color:var(--muted);font-weight:600}
p{margin:.4rem 0;overflow-wrap:anywhere;white-space:pre-line}
.muted{color:var(--muted)}
dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.3rem 1.25rem;margin:.4rem 0}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}
th,td{padding:.35rem 1.1rem .35rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{color:var(--muted);font-weight:600;white-space:nowrap}
tr:last-child td,tr:last-child th{border-bottom:0}
.right{text-align:right;white-space:nowrap}
.heat{border-collapse:separate;border-spacing:2px}
.heat th,.heat td{border:0;text-align:center;padding:.3rem .5rem;min-width:2.3rem;border-radius:4px}
.heat tbody th{text-align:right}
.heat td{background:rgb(var(--heat)/var(--share))}
.heat .zero{color:var(--muted);background:none}
.heat .full{color:var(--on-heat)}
.heat .corner{background:none;color:var(--muted);font-size:.8rem}
.chart{display:block;margin:.8rem 0}
footer{color:var(--muted);font-size:.85rem;padding:0 .25rem}
@media(max-width:34rem){dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .6rem}section{padding:1rem .9rem}
h1{font-size:1.5rem}
table{font-size:.85rem}th,td{padding-right:.7rem}.scroll .chart{min-width:24rem}
.heat{border-spacing:1px}.heat th,.heat td{padding:.25rem .15rem;min-width:1.5rem;font-size:.8rem}
.heat .corner{font-size:0}}
@media print{body{background:none}section{break-inside:avoid}}
"""


def render_html(title: str, subtitle: str, sections: Sequence[Section], *, footer: str) -> str:
    """Give the page; the same content gives the same text."""
    body = "".join(_section(section) for section in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # What the page needs, and a second lock on what escaping keeps out.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>\n"
        f"{body}<footer>{escape(footer)}</footer>\n</main>\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{blocks}\n</section>\n"


def _block(block: Block) -> str:
    if isinstance(block, Text):
        attribute = ' class="muted"' if block.muted else ""
        parts = (part.strip() for part in block.text.split("\n\n"))
        return "\n".join(f"<p{attribute}>{escape(part)}</p>" for part in parts if part)
    if isinstance(block, Facts):
        rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in block.rows)
        return f"<dl>{rows}</dl>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, HeatTable):
        return _heat_table(block)
    drawn = bar_chart(block.title, block.rows) if isinstance(block, Bars) else _drawing(block)
    return f'<div class="scroll">{drawn}</div>'


def _drawing(block: Drawing) -> str:
    low = high = None
    if block.reach is not None:
        pairs = list(zip(block.y, block.reach, strict=True))
        low, high = [y - reach for y, reach in pairs], [y + reach for y, reach in pairs]
    unit = (0.0, 1.0) if block.shares else None
    line = Line(block.y_label, block.x, block.y, low, high, dots=block.dots)
    return line_chart(
        block.title, [line], x_label=block.x_label, y_label=block.y_label,
        x_range=unit, y_range=unit, diagonal=block.diagonal,
    )  # fmt: skip


def _table(table: Table) -> str:
    def row(tag: str, cells: Sequence[str]) -> str:
        attributes = (' class="right"' if column in table.right else "" for column in range(len(cells)))
        return "".join(
            f"<{tag}{attribute}>{escape(cell)}</{tag}>"
            for attribute, cell in zip(attributes, cells, strict=True)
        )

    body = "\n".join(f"<tr>{row('td', cells)}</tr>" for cells in table.rows)
    return (
        f'<div class="scroll"><table><thead><tr>{row("th", table.header)}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _heat_table(table: HeatTable) -> str:
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in table.labels)
    lines = []
    for label, counts in zip(table.labels, table.counts, strict=True):
        total = sum(counts) or 1
        cells = "".join(_heat_cell(count, count / total) for count in counts)
        lines.append(f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>')
    return (
        "<h3>Confusion: true classes in rows, predicted in columns</h3>\n"
        '<div class="scroll"><table class="heat"><thead><tr><td class="corner">true / predicted</td>'
        f"{head}</tr></thead>\n<tbody>{chr(10).join(lines)}</tbody></table></div>"
    )


def _heat_cell(count: float, share: float) -> str:
    if not count:
        return '<td class="zero">0</td>'
    attribute = ' class="full"' if share > _DARK_TEXT_UP_TO else ""
    # Never fainter than one can see: the mistakes are what one looks for.
    return f'<td{attribute} style="--share:{max(share, 0.18):.2f}">{count}</td>'
