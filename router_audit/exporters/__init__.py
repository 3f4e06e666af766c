"""Where a table can go: a visible tuple, one file per target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.exporters.csv import CSV
from router_audit.exporters.litellm import LITELLM
from router_audit.exporters.openrouter import OPENROUTER
from router_audit.exporters.python import PYTHON
from router_audit.exporters.typescript import TYPESCRIPT
from router_audit.exporters.vllm_semantic_router import VLLM_SEMANTIC_ROUTER

if TYPE_CHECKING:
    from router_audit.exporters.protocol import Exporter

EXPORTERS: tuple[Exporter, ...] = (LITELLM, OPENROUTER, VLLM_SEMANTIC_ROUTER, TYPESCRIPT, PYTHON, CSV)
