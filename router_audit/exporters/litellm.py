"""A LiteLLM proxy config: its models, one alias per profile, fallbacks of exactly one, and the line that obeys the table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from router_audit.exporters.protocol import models, rows, stamp

if TYPE_CHECKING:
    from router_audit.types import RoutingTable

PROVIDERS = {
    "google": ("gemini", "vertex_ai"),
    "aws": ("bedrock",),
    "x-ai": ("xai",),
    "together": ("together_ai",),
    "fireworks": ("fireworks_ai",),
}
"""genai-prices' names of providers to LiteLLM's, the plain one first, where the two differ."""
KEYS = {"gemini": "GEMINI_API_KEY", "xai": "XAI_API_KEY", "bedrock": ""}
"""Environment variables that hold a provider's key, where they are not PROVIDER_API_KEY; empty takes none."""


def litellm_name(ref: str) -> str:
    """`provider/model` as LiteLLM spells it; a reasoning effort is a parameter there, not a name."""
    provider, _, model = ref.partition("/")
    return f"{PROVIDERS.get(provider, (provider,))[0]}/{model.partition('@')[0]}"


class _LiteLLM:
    name = "litellm"
    writes = "a config.yaml: models, an alias per profile, one fallback each, the plug-in"
    filename = "config.yaml"

    def export(self, table: RoutingTable) -> str:
        """See `Exporter.export`. JSON values stand in YAML as they are."""
        lines = [f"# {stamp(table)}", "model_list:"]
        for ref in models(table):
            called = litellm_name(ref)
            params = {"model": called} | _key(called.partition("/")[0]) | _effort(ref)
            lines += [f"  - model_name: {json.dumps(ref)}", f"    litellm_params: {json.dumps(params)}"]
        fallbacks = {row.model: row.spares[0] for row in rows(table) if row.spares}
        lines += ["", "router_settings:", "  # At most one each: a request is never passed on twice."]
        lines.append("  fallbacks:" + ("" if fallbacks else " []"))
        lines += [f"    - {json.dumps({model: [spare]})}" for model, spare in fallbacks.items()]
        lines.append("  # A caller that knows its profile can name it.")
        lines.append("  model_group_alias:")
        lines += [f"    {json.dumps('profile-' + row.name)}: {json.dumps(row.model)}" for row in rows(table)]
        lines += ["", "litellm_settings:", "  # The model `auto` obeys the table; see ROUTER_AUDIT_TABLE."]
        lines.append('  callbacks: ["router_audit.integrations.litellm.plugin"]')
        return "\n".join(lines) + "\n"


def _key(provider: str) -> dict[str, str]:
    name = KEYS.get(provider, provider.upper().replace("-", "_") + "_API_KEY")
    return {"api_key": f"os.environ/{name}"} if name else {}


def _effort(ref: str) -> dict[str, str]:
    effort = ref.partition("@")[2]
    return {"reasoning_effort": effort} if effort else {}


LITELLM = _LiteLLM()
