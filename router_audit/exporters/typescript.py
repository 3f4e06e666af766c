"""`route` as a typed TypeScript module without dependencies, the prompt classifier's text inside."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from router_audit.exporters.protocol import portable, stamp

if TYPE_CHECKING:
    from router_audit.types import RoutingTable


class _TypeScript:
    name = "typescript"
    writes = "`route`, `decide` and `escalate` as one typed module, no dependency"
    filename = "route.ts"

    def export(self, table: RoutingTable) -> str:
        """See `Exporter.export`."""
        package = files("router_audit")
        text = (package / "templates" / "route.ts").read_text("utf-8")
        prompt = (package / "prompts" / "label.md").read_text("utf-8")
        parts = {
            "__STAMP__": stamp(table),
            "__TABLE__": json.dumps(portable(table), indent=2),
            "__PROMPT__": json.dumps(prompt),
        }
        for mark, value in parts.items():
            text = text.replace(mark, value, 1)
        return text


TYPESCRIPT = _TypeScript()
