"""The question that an LLM labeller puts, and how its answer is read: the same for every provider.

Only a bounded excerpt of a request is shown, as JSON, without the sentences that talk to the labeller: a
request with such a sentence makes the very same question as the request without it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from router_audit.recipe.guard import strip_attacks
from router_audit.recipe.record import clip, read_prompt
from router_audit.types import PROFILES
from router_audit.types.ask import Ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.types.ask import Answer

Form = Literal["tool", "schema"]
"""How the answer is forced: a call of one tool, or a JSON schema on the text."""

ANSWER_TOKENS = 30
NONE = "none"
SYSTEM_SHOWN, FIRST_SHOWN, LAST_SHOWN = (900, 300), (250, 100), (1600, 700)
"""Characters of head and tail of the system prompt, the first and the last turn."""

_CHOICE = {
    "type": "object",
    "properties": {"profile": {"type": "string", "enum": [*PROFILES, NONE]}},
    "required": ["profile"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a labeller said of one request."""

    profile: str | None
    """None when it abstained."""
    probability: float
    """1 for a verdict: an LLM states no probability that could be trusted."""
    reason: str
    """Why it abstained; empty when it did not."""


@cache
def prompt_text(name: str) -> str:
    """The text of `prompts/NAME.md`."""
    return (files("router_audit") / "prompts" / f"{name}.md").read_text("utf-8").strip()


def prompt_version(text: str) -> str:
    """Twelve hex digits of the prompt's hash: labels of another prompt are other labels."""
    return sha256(text.encode()).hexdigest()[:12]


def question(record: Mapping[str, Any], *, system: str, form: Form, name: str = "") -> Ask | None:
    """The call that asks for a record's profile; None where the record has no text to judge."""
    shown = excerpt(record)
    if shown is None:
        return None
    content = json.dumps(shown, ensure_ascii=False)
    tool = {"name": "profile", "description": "The kind of work the request asks for.", "parameters": _CHOICE}
    return Ask(
        messages=({"role": "user", "content": content},),
        system=system,
        tools=(tool,) if form == "tool" else (),
        tool_choice="profile" if form == "tool" else None,
        response_schema=_CHOICE if form == "schema" else None,
        max_tokens=ANSWER_TOKENS,
        name=name,
    )


def excerpt(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """What of a record is shown to a labeller: at most about 5,000 characters, whatever its size."""
    parts = read_prompt(record)
    turns = [(turn.role, text) for turn in parts.turns if (text := strip_attacks(turn.text).strip())]
    system = strip_attacks(parts.system).strip()
    if not turns and not system:
        return None
    shown: dict[str, Any] = {}
    if system:
        shown["system"] = clip(system, *SYSTEM_SHOWN)
    asked = [text for role, text in turns if role != "assistant"]
    if len(asked) > 1:
        shown["first_turn"] = clip(asked[0], *FIRST_SHOWN)
    if asked or turns:
        shown["last_turn"] = clip((asked or [turns[-1][1]])[-1], *LAST_SHOWN)
    count = parts.message_count - (len(parts.turns) - len(turns))
    if count > 1:
        shown["turns"] = count
    if parts.tool_names:
        shown["tools"] = list(parts.tool_names[:20])
    if parts.tool_call_count:
        shown["tool_calls_so_far"] = parts.tool_call_count
    if parts.response_format:
        shown["response_format"] = parts.response_format
    if parts.image_count:
        shown["images"] = parts.image_count
    return shown


def verdict(answer: Answer) -> Verdict:
    """A profile, or an abstention with its reason; never an exception, whatever the model said."""
    if answer.status in {"error", "lost", "unaffordable", "refused"}:
        return Verdict(None, 0.0, f"{answer.status}: {answer.reason}".rstrip(": "))
    said = _said(answer)
    if said == NONE:
        return Verdict(None, 0.0, "the labeller found no request in it")
    if said in PROFILES:
        return Verdict(said, 1.0, "")
    if answer.status == "truncated":
        return Verdict(None, 0.0, f"truncated: no profile within {ANSWER_TOKENS} tokens")
    detail = answer.reason if answer.status == "malformed" else "the answer names none of the profiles"
    return Verdict(None, 0.0, f"malformed: {detail}")


def _said(answer: Answer) -> str | None:
    for call in answer.tool_calls:
        if call.get("name") == "profile":
            return _field(call.get("arguments"))
    if answer.tool_calls:
        return None
    try:
        return _field(json.loads(answer.text))
    except ValueError:
        return answer.text.strip().strip("`\"'.").lower() or None


def _field(arguments: Any) -> str | None:
    found = arguments.get("profile") if isinstance(arguments, dict) else None
    return found.strip().lower() if isinstance(found, str) else None
