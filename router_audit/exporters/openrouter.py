"""OpenRouter request presets: per profile the fields to merge into a chat request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from router_audit.exporters.protocol import rows, stamp

if TYPE_CHECKING:
    from router_audit.types import RoutingTable


class _OpenRouter:
    name = "openrouter"
    writes = "request presets per profile: models array and provider preferences"
    filename = "openrouter.json"

    def export(self, table: RoutingTable) -> str:
        """See `Exporter.export`. `models` is tried in order when a provider fails, so it holds two at most."""
        slugs = _slugs()
        found: dict[str, Any] = {"source": stamp(table), "presets": {}, "unlisted": []}
        for row in rows(table):
            preset: dict[str, Any] = {
                "models": [_slug(ref, slugs) for ref in (row.model, *row.spares)],
                "provider": {"allow_fallbacks": True, "require_parameters": True},
            }
            effort = row.model.partition("@")[2]
            if effort:
                preset["reasoning"] = {"effort": effort}
            found["presets"][row.name] = preset
            found["unlisted"] += [ref for ref in (row.model, *row.spares) if _plain(ref) not in slugs]
        found["unlisted"] = sorted(set(found["unlisted"]))
        return json.dumps(found, indent=2) + "\n"


def _slugs() -> dict[str, str]:
    """`provider/model` with dots as dashes, to OpenRouter's own spelling, from the price list."""
    from genai_prices.data_snapshot import get_snapshot

    provider = next(p for p in get_snapshot().providers if p.id == "openrouter")
    return {_plain(model.id): model.id for model in provider.models}


def _plain(ref: str) -> str:
    return ref.partition("@")[0].lower().replace(".", "-")


def _slug(ref: str, slugs: dict[str, str]) -> str:
    return slugs.get(_plain(ref), ref.partition("@")[0])


OPENROUTER = _OpenRouter()
