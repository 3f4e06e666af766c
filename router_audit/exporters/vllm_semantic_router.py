"""A vLLM Semantic Router config: profiles as preference signals, one decision per row of the table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from router_audit.exporters.protocol import models, rows, stamp

if TYPE_CHECKING:
    from router_audit.types import RoutingTable

PROFILES = {
    "classification": "Choose from a closed set that the request names or implies: a category, a sentiment, yes or no.",
    "extraction": "Find, copy or reshape what stands in the input: entities, fields, a table, a translation.",
    "reasoning": "Work something out in several steps, or write with judgement: logic, arithmetic, code, advice.",
    "coordination": "Plan and drive several dependent steps over tools, agents, files or systems.",
}
PROVIDERS = {
    "anthropic": "anthropic", "aws": "bedrock", "azure": "azure-openai", "cerebras": "cerebras", "cohere": "cohere",
    "deepseek": "deepseek", "fireworks": "fireworks", "google": "gemini", "groq": "groq", "mistral": "mistral",
    "moonshotai": "moonshot", "novita": "novita", "openai": "openai", "openrouter": "openrouter",
    "perplexity": "perplexity", "together": "together", "x-ai": "xai",
}  # fmt: skip
"""genai-prices' names of providers to those of the router's catalog (vllm-sr 0.4); others speak OpenAI's dialect."""
ORDER = tuple(PROFILES)
"""The hardest profile decides where several fit: it has the highest priority."""


class _VllmSemanticRouter:
    name = "vllm-semantic-router"
    writes = "a config.yaml (v0.3): preference and context signals, one decision per route"
    filename = "config.yaml"

    def export(self, table: RoutingTable) -> str:
        """See `Exporter.export`. JSON is YAML."""
        found = list(rows(table))
        context = [
            {"name": "huge", "min_tokens": str(table["huge_context_tokens"] + 1), "max_tokens": "100000000"}
        ]
        document: dict[str, Any] = {
            "version": "v0.3",
            "listeners": [{"name": "http", "address": "127.0.0.1", "port": 8888, "timeout": "300s"}],
            "providers": {
                "defaults": {"model": _default(table)},
                "models": [_model(table, ref) for ref in models(table)],
            },
            "routing": {
                "modelCards": [_card(table, ref) for ref in models(table)],
                "signals": {
                    "preferences": [{"name": name, "description": text} for name, text in PROFILES.items()],
                    **({"context": context} if any(row.context == "huge" for row in found) else {}),
                },
                "decisions": [_decision(row.name, row.profile, row.context, row.model) for row in found],
                "strategy": "priority",
            },
        }
        return f"# {stamp(table)}\n" + json.dumps(document, indent=2) + "\n"


def _default(table: RoutingTable) -> str:
    """The most used incumbent: where nothing is recognised, a request stays where it was."""
    busiest = max(table["routes"], key=lambda route: route["requests"])
    return str(busiest["incumbent"] or models(table)[-1])


def _model(table: RoutingTable, ref: str) -> dict[str, Any]:
    provider, _, name = ref.partition("/")
    backend = {
        "name": provider,
        "provider": PROVIDERS.get(provider, "openai-compatible"),
        "api_key_env": provider.upper().replace("-", "_") + "_API_KEY",
    }
    entry: dict[str, Any] = {
        "name": ref,
        "provider_model_id": name.partition("@")[0],
        "backend_refs": [backend],
    }
    price = table["prices"]["models"].get(ref)
    if price:
        entry["pricing"] = {
            "currency": "USD", "prompt_per_1m": price["input_mtok"], "completion_per_1m": price["output_mtok"]
        }  # fmt: skip
    return entry


def _card(table: RoutingTable, ref: str) -> dict[str, Any]:
    window = (table["prices"]["models"].get(ref) or {}).get("context_window")
    return {"name": ref} | ({"context_window_size": window} if window else {})


def _decision(name: str, profile: str, context: str, model: str) -> dict[str, Any]:
    conditions = [{"type": "preference", "name": profile}]
    if context == "huge":
        conditions.append({"type": "context", "name": "huge"})
    reference: dict[str, Any] = {"model": model, "use_reasoning": "@" in model}
    if "@" in model:
        reference["reasoning_effort"] = model.partition("@")[2]
    return {
        "name": name,
        "description": PROFILES[profile],
        "priority": 100 * (ORDER.index(profile) + 1) + (50 if context == "huge" else 0),
        "rules": {"operator": "AND", "conditions": conditions},
        "modelRefs": [reference],
    }


VLLM_SEMANTIC_ROUTER = _VllmSemanticRouter()
