"""`route` as a Python module that needs the standard library alone."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from router_audit.exporters.protocol import portable, stamp

if TYPE_CHECKING:
    from router_audit.types import RoutingTable


class _Python:
    name = "python"
    writes = "`route`, `decide` and `escalate` as one module, standard library alone"
    filename = "route.py"

    def export(self, table: RoutingTable) -> str:
        """See `Exporter.export`. The module is `portable.py` of this folder with the table written into it."""
        package = files("router_audit")
        text = (package / "exporters" / "portable.py").read_text("utf-8")
        prompt = (package / "prompts" / "label.md").read_text("utf-8")
        parts = {
            'json.loads(r"""{}""")': f"json.loads({json.dumps(portable(table))!r})",
            'json.loads(r"""null""") or ""': repr(prompt),
        }
        for mark, value in parts.items():
            text = text.replace(mark, value, 1)
        return f"# {stamp(table)}\n{text}"


PYTHON = _Python()
