"""How what was measured shows itself: tables as text, tables and charts as HTML, each chart as SVG."""

from __future__ import annotations

from maas_sdk._internal.charts import standalone
from maas_sdk._internal.tables import html_table, text_table
from maas_sdk.errors import InvalidOptionError

__all__ = ["Report", "Rows"]

Rows = list[list[str]]
"""A table; its first row is the header."""


class Report:
    """What the values of this room have in common: ``str()``, a notebook's view, and charts."""

    __slots__ = ()

    def _tables(self) -> list[tuple[str, Rows]]:
        """Give title and rows of each table worth printing."""
        raise NotImplementedError

    def _charts(self) -> dict[str, str]:
        """Give the SVG element of each chart worth looking at, the most telling first."""
        raise NotImplementedError

    @property
    def charts(self) -> tuple[str, ...]:
        """Names of the charts that there are."""
        return tuple(self._charts())

    def chart(self, name: str | None = None) -> str:
        """Give a chart.

        Parameters
        ----------
        name : str, default=None
            One of `charts`; None takes the first.

        Returns
        -------
        str
            SVG, for a page or for a file of its own. It loads nothing and has no scripts.

        Raises
        ------
        InvalidOptionError
            If there is no such chart.
        """
        found = self._charts()
        chosen = next(iter(found), None) if name is None else name
        if chosen is None or chosen not in found:
            there = ", ".join(found) or "none"
            raise InvalidOptionError(f"there is no chart {name!r}; there is: {there}")
        return standalone(found[chosen])

    def __str__(self) -> str:
        return "\n\n".join(
            f"{title}\n{text_table(rows[0], rows[1:], right=range(1, len(rows[0])))}"
            for title, rows in self._tables()
        )

    def _repr_html_(self) -> str:
        tables = [
            html_table(rows[0], rows[1:], right=range(1, len(rows[0])), caption=title)
            for title, rows in self._tables()
        ]
        drawn = "\n".join(self._charts().values())
        grid = '<div style="display:flex;flex-wrap:wrap;gap:1.5em;align-items:flex-start">\n'
        return "\n".join([*tables, f"{grid}{drawn}\n</div>"] if drawn else tables)
