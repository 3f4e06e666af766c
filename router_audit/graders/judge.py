"""A language model as the judge: both orders of the answers, where it contradicts itself it is a tie.

It is the last resort of the ladder: used where no rule applies, never for answers of its own family unless
the user allows it. A bounded excerpt is shown, as JSON.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from router_audit.types.ask import Ask
from router_audit.types.grading import Abstained, Grade

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.types.ask import Answer
    from router_audit.types.grading import Reply

Order = Literal["incumbent-first", "candidate-first"]
ORDERS: tuple[Order, Order] = ("incumbent-first", "candidate-first")

VERDICTS = ("A", "B", "both", "neither")
VERDICT_TOKENS = 300
"""Enough for a judge that thinks a little before it calls the tool; what is not used is not paid."""
SYSTEM_SHOWN, TURN_SHOWN, LAST_SHOWN, ANSWER_SHOWN = 3_000, 1_500, 12_000, 8_000
"""Characters of the system prompt, of each earlier turn, of the last turn, of an answer."""
TURNS_SHOWN = 4

_FAMILIES = {
    "claude": "anthropic",
    "gpt": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "chatgpt": "openai",
    "gemini": "google",
    "gemma": "google",
    "llama": "meta",
    "mistral": "mistral",
    "mixtral": "mistral",
    "ministral": "mistral",
    "magistral": "mistral",
    "codestral": "mistral",
    "qwen": "qwen",
    "qwq": "qwen",
    "deepseek": "deepseek",
    "grok": "xai",
    "command": "cohere",
    "nova": "amazon",
    "titan": "amazon",
    "phi": "microsoft",
}
_TOOL = {
    "name": "verdict",
    "description": "Which answer did the job.",
    "parameters": {
        "type": "object",
        "properties": {"verdict": {"type": "string", "enum": list(VERDICTS)}},
        "required": ["verdict"],
        "additionalProperties": False,
    },
}


def family_of(ref: str) -> str:
    """Who made a model, by its name, whoever serves it; its provider where the name does not tell."""
    provider, _, name = ref.partition("@")[0].lower().partition("/")
    words = name.replace(".", "/").replace(":", "/").split("/")
    for word in reversed(words):
        for start, family in _FAMILIES.items():
            if word.startswith(start):
                return family
    return provider


@cache
def instruction() -> str:
    """The judge's prompt."""
    return (files("router_audit") / "prompts" / "judge.md").read_text("utf-8").strip()


def grader_name(judge: str) -> str:
    """The name that the judge's grades are stored under: the model and the version of its prompt."""
    return f"judge:{judge}#{sha256(instruction().encode()).hexdigest()[:8]}"


def questions(record: Mapping[str, Any], incumbent: Reply, candidate: Reply, *, name: str) -> tuple[Ask, Ask]:
    """The two calls that judge a pair, one for each order; they differ in nothing else."""
    shown = excerpt(record)
    both = {"incumbent-first": (incumbent, candidate), "candidate-first": (candidate, incumbent)}

    def ask(order: Order) -> Ask:
        first, second = both[order]
        content = {"request": shown, "answers": {"A": _answer(first), "B": _answer(second)}}
        return Ask(
            messages=({"role": "user", "content": json.dumps(content, ensure_ascii=False)},),
            system=instruction(),
            tools=(_TOOL,),
            tool_choice="verdict",
            max_tokens=VERDICT_TOKENS,
            name=f"{name} {order}",
        )

    return ask("incumbent-first"), ask("candidate-first")


def verdict(judge: str, answers: Sequence[Answer]) -> Grade | Abstained:
    """The grade that both orders give; a tie where they differ.

    Abstains where an order has no answer through no fault of the pair (a provider's error, the budget). A judge
    that was asked and gave no verdict may have been put off by the candidate's answer: that counts against it.
    """
    said: list[tuple[bool, bool]] = []
    for order, answer in zip(ORDERS, answers, strict=True):
        if answer.status in {"error", "unaffordable", "lost"}:
            return Abstained(
                f"the judge did not answer ({answer.status}: {answer.reason})".rstrip(": )") + ")"
            )
        choice = _choice(answer)
        if choice is None:
            return Grade(
                candidate_ok=False,
                incumbent_ok=True,
                grader=grader_name(judge),
                reason=f"no verdict ({answer.status}): counted against the candidate",
            )
        first, second = choice in {"A", "both"}, choice in {"B", "both"}
        said.append((second, first) if order == "incumbent-first" else (first, second))
    if said[0] != said[1]:
        return Grade(
            candidate_ok=True, incumbent_ok=True, grader=grader_name(judge), reason="the orders differ: a tie"
        )
    candidate_ok, incumbent_ok = said[0]
    return Grade(candidate_ok=candidate_ok, incumbent_ok=incumbent_ok, grader=grader_name(judge))


def _choice(answer: Answer) -> str | None:
    for call in answer.tool_calls:
        arguments = call.get("arguments")
        if (
            call.get("name") == "verdict"
            and isinstance(arguments, dict)
            and arguments.get("verdict") in VERDICTS
        ):
            return str(arguments["verdict"])
    text = answer.text.strip()
    try:
        found = json.loads(text)
        text = str(found.get("verdict")) if isinstance(found, dict) else text
    except (ValueError, RecursionError):
        pass
    return text if answer.status == "ok" and text in VERDICTS else None


def excerpt(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a request is shown to whoever compares its answers; bounded, whatever its size."""
    shown: dict[str, Any] = {}
    if record.get("system"):
        shown["system"] = _cut(record["system"], SYSTEM_SHOWN)
    turns = record["messages"]
    shown["turns"] = [
        {"role": turn["role"], "content": _cut(_text(turn), LAST_SHOWN if turn is turns[-1] else TURN_SHOWN)}
        for turn in turns[-TURNS_SHOWN:]
    ]
    if len(turns) > TURNS_SHOWN:
        shown["earlier_turns_not_shown"] = len(turns) - TURNS_SHOWN
    if record.get("tools"):
        shown["tools"] = [tool.get("name") for tool in record["tools"]][:40]
    if record.get("response_schema"):
        shown["response_schema"] = record["response_schema"]
    return shown


def _answer(reply: Reply) -> Any:
    if reply.tool_calls:
        return {"text": _cut(reply.text, ANSWER_SHOWN), "tool_calls": list(reply.tool_calls)}
    return _cut(reply.text, ANSWER_SHOWN)


def _text(turn: Mapping[str, Any]) -> str:
    said = str(turn.get("content") or "")
    calls = turn.get("tool_calls")
    return f"{said}\n{json.dumps(calls, ensure_ascii=False)}" if calls else said


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[: most * 2 // 3]}\n[… {len(text) - most:,} characters not shown …]\n{text[-most // 3 :]}"
