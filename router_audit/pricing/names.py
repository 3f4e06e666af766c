"""Model names as logs have them, into the names a price list knows. Nothing is guessed.

Two steps: the provider a log names (OpenTelemetry's `gen_ai.provider.name`, LiteLLM's prefixes, a gateway)
becomes the id of who sends the bill; then the model's decoration (ARN, profile, path, suffix) is taken off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PROVIDERS = {
    "aws.bedrock": "aws",
    "aws_bedrock": "aws",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "amazon": "aws",
    "amazon-bedrock": "aws",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "azure_text": "azure",
    "fireworks_ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "palm": "google",
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
    "vertex_ai-anthropic_models": "google",
    "vertex_ai-language-models": "google",
    "vertexai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "moonshot_ai": "moonshotai",
    "openai_responses": "openai",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "togetherai": "together",
    "x_ai": "x-ai",
    "xai": "x-ai",
    "cohere_chat": "cohere",
    "github": "github-copilot",
    "github_copilot": "github-copilot",
}
"""Names of providers in logs to genai-prices' ids, where the two differ."""

GATEWAYS = frozenset(
    {
        "ai-gateway",
        "cloudflare-ai-gateway",
        "helicone",
        "kong",
        "langfuse",
        "langsmith",
        "litellm",
        "litellm_proxy",
        "openai-compatible",
        "opik",
        "portkey",
        "proxy",
        "tensorzero",
        "unknown",
    }
)
"""Those who pass a request on and bill nothing by the token: the model's own prefix or maker decides."""

_EFFORT = re.compile(r"@(none|minimal|low|medium|high|xhigh|max)$")
_VERTEX_DATE = re.compile(r"@(\d{8}|default|latest)$")
_ARN = re.compile(r"^arn:aws[a-z-]*:bedrock:[^:]*:[^:]*:(?P<kind>[a-z-]+)/(?P<name>.+)$")
_OPAQUE_ARNS = frozenset(
    {"application-inference-profile", "provisioned-model", "custom-model", "custom-model-deployment"}
)
_BEDROCK = re.compile(
    r"^((us|us-gov|eu|apac|jp|au|ca|global)\.)?"
    r"(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|qwen|openai|google|nvidia|moonshot|minimax|zai)\.[a-z]"
)
_ROUTER_SUFFIX = re.compile(r":(nitro|floor|online|exacto|beta|extended|thinking)$")
_DECORATION = re.compile(
    r"^[-@:_.\[]*(\d+m?|latest|preview|beta|exp|experimental|thinking|default|instruct|chat|it|maas|v\d+|rc\d*|tuned)"
    r"(?=$|[-@:_.\]\[])\]?"
)


@dataclass(frozen=True, slots=True)
class Name:
    """One way to read a name: whom to ask, and for what."""

    provider: str | None
    """genai-prices' id; None leaves it to the model's maker."""
    model: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The ways to read a name, best first; or why it cannot be read."""

    names: tuple[Name, ...]
    reason: str = ""


def provider_id(name: str | None) -> str | None:
    """genai-prices' id of the provider a log names; None for a gateway or nothing."""
    key = (name or "").strip().lower()
    if not key or key in GATEWAYS:
        return None
    return PROVIDERS.get(key, key)


def read(provider: str | None, model: str | None, known: frozenset[str]) -> Reading:
    """The ways to look `model` up; `known` holds the ids of the price list's providers."""
    text = (model or "").strip()
    if not text:
        return Reading((), "no model is named")
    if text.startswith("<") and text.endswith(">"):
        return Reading((), f"{text} is a placeholder, not a model")
    who = provider_id(provider)
    text = _EFFORT.sub("", text).lower()
    arn = _ARN.match(text)
    if arn:
        if arn["kind"] in _OPAQUE_ARNS:
            return Reading((), "this ARN names no model; map it under [aliases] in the price file")
        who, text = "aws", arn["name"].rsplit("/", 1)[-1]
    if who is None and _BEDROCK.match(text):
        who = "aws"
    if "/publishers/" in f"/{text}":
        who, text = "google", text.rsplit("/", 1)[-1]
    text = text.removeprefix("models/").removesuffix("[1m]")
    text = _VERTEX_DATE.sub(lambda found: "" if found[1].isalpha() else f"-{found[1]}", text)
    return Reading(tuple(_spellings(who, text, known)))


def _spellings(who: str | None, text: str, known: frozenset[str]) -> list[Name]:
    head, slash, tail = text.partition("/")
    named = PROVIDERS.get(head, head)
    if slash and (named in known or head in GATEWAYS) and (who in {None, named} or who not in known):
        inner = None if head in GATEWAYS else named
        if inner is None:
            return _spellings(None, tail, known)
        if inner == "aws":
            tail = tail.removeprefix("converse/").removeprefix("invoke/").rsplit("/", 1)[-1]
        return _variants(inner, tail)
    if who == "aws":
        text = text.rsplit("/", 1)[-1]
    # An OpenAI-compatible client says `openai` whatever stands behind its base URL; the prefix is explicit.
    return _variants(who, text) + (_variants(named, tail) if slash and named in known else [])


def _variants(who: str | None, text: str) -> list[Name]:
    """The name itself first, then without the suffix by which a router chooses speed or price."""
    bare = _ROUTER_SUFFIX.sub("", text)
    return [Name(who, text)] + ([Name(who, bare)] if bare != text else [])


def is_decoration(rest: str) -> bool:
    """Whether what follows a known model id is only a date, a version or a channel, not another name."""
    while rest:
        found = _DECORATION.match(rest)
        if not found:
            return False
        rest = rest[found.end() :]
    return True
