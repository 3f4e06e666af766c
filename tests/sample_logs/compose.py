"""From a task kind to the exchanges of one conversation: what was asked, what came back."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .material import MASKS, PLACEHOLDER, Material

if TYPE_CHECKING:
    from datetime import date

ATTACHED = ("thread.eml", "report.pdf", "export.csv", "trace.txt", "history.txt")
HANDBOOK = 17_400  # characters of handbook that the logger leaves out


@dataclass
class Exchange:
    messages: list[dict[str, Any]]  # role user | assistant | tool; text, calls, call_id
    text: str
    calls: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Conversation:
    kind: str
    profile: str
    system: str | None
    tools: list[dict[str, Any]]
    forced: str | None
    schema: dict[str, Any] | None
    exchanges: list[Exchange]
    omitted: int = 0  # characters that were sent and are not in the log
    cached: int = 0  # of these, characters that a prompt cache can hold
    foreign: bool = False


def attachment(kind: dict[str, Any], slots: dict[str, str]) -> int:
    """The length of a paper sent along with the question, 0 for most."""
    rng = random.Random("attached" + slots["order"])
    if kind["name"] in ("language", "card-spotted", "take-out-names") or kind.get("pools") == ["review"]:
        return 0
    return rng.randint(12_000, 190_000) if rng.random() < 0.4 else 0


def tool(material: Material, name: str) -> dict[str, Any]:
    about, params = material.tools[name]
    names = params.split(", ")
    properties = {p: {"type": "array"} if p == "rows" else {"type": "string"} for p in names}
    return {
        "name": name,
        "description": about,
        "parameters": {"type": "object", "properties": properties, "required": names[:1]},
    }


def call(rng: random.Random, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"{rng.getrandbits(96):024x}", "name": name, "args": json.loads(arguments)}


def result_schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def asked(rng: random.Random, kind: dict[str, Any], material: Material, team: str) -> tuple[str | None, str]:
    """A system prompt and a phrasing that together leave no doubt about the job."""
    ask = rng.choice(kind["asks"])
    options = list(kind.get("labels", {}).values())
    told = not options or "{labels}" in ask or sum(o in ask for o in options) > 1
    bare = PLACEHOLDER.sub("", ask).strip()
    dice = rng.random()
    if not told or len(bare) < 12 or dice < 0.3:
        system = rng.choice(kind["systems"])
        if rng.random() < 0.45:
            system = rng.choice(material.house[team]) + "\n\n" + system
    else:
        system = rng.choice(material.house[team]) if dice < 0.85 else None
    labels = ", ".join(options)
    return system and system.replace("{labels}", labels), ask.replace("{labels}", labels)


def classify(
    rng: random.Random, kind: dict[str, Any], material: Material, right: bool
) -> tuple[str, str, str]:
    pool = rng.choice(kind["pools"])
    piece = rng.choice([p for p in material.fragments[pool] if kind["attr"] in p or "default" in kind])
    if kind["attr"] == "secret":
        gold = "yes" if "{card}" in piece["t"] or "{apikey}" in piece["t"] else "no"
    else:
        gold = piece.get(kind["attr"], kind.get("default"))
    label = kind["labels"][gold]
    if not right:
        label = rng.choice([other for other in kind["labels"].values() if other != label])
    return piece["t"], label, ""


def extract(
    rng: random.Random, kind: dict[str, Any], material: Material, slots: dict[str, str], right: bool
) -> tuple[str, dict[str, Any] | str]:
    text = rng.choice(material.fragments[rng.choice(kind["pools"])])["t"]
    if kind.get("mask"):
        masked = {
            **slots,
            **(MASKS if right else {k: v for k, v in MASKS.items() if k not in ("city", "street")}),
        }
        return text, material.fill(text, masked)
    values: dict[str, Any] = {
        key: slots[slot[1:-1]] if slot in text else None for key, slot in kind["fields"].items()
    }
    found = [key for key, value in values.items() if value]
    if not right and found:
        values[rng.choice(found)] = None
    return text, values


def render(rng: random.Random, shape: str, value: Any, kind: dict[str, Any], conv: Conversation) -> Exchange:
    """The reply to one question, in the shape the caller asked for."""
    key = kind.get("attr", "value")
    if isinstance(value, dict):
        if shape == "lines":
            return Exchange([], "\n".join(f"{k}: {v or '-'}" for k, v in value.items()))
        properties = {k: {"type": ["string", "null"]} for k in value}
    else:
        if shape not in ("json", "tool"):
            return Exchange([], str(value))
        properties = {key: {"type": "string"}}
        if kind.get("labels"):
            properties[key]["enum"] = list(kind["labels"].values())
        value = {key: value}
    if shape == "tool":
        name = {"classification": "set_value", "extraction": "save_record"}.get(kind["profile"], "answer")
        if rng.random() < 0.5:
            name = "answer"
        if not conv.tools:
            conv.tools, conv.forced = (
                [
                    {
                        "name": name,
                        "description": "Hand over the result.",
                        "parameters": result_schema(properties),
                    }
                ],
                name,
            )
        return Exchange([], "", [call(rng, conv.tools[0]["name"], json.dumps(value))])
    conv.schema = conv.schema or {"name": "result", "strict": True, "schema": result_schema(properties)}
    return Exchange([], json.dumps(value, ensure_ascii=False))


def compose(
    rng: random.Random,
    kind: dict[str, Any],
    material: Material,
    team: str,
    right: bool,
    today: date,
    huge_tokens: int = 0,
) -> Conversation:
    slots = material.draw(rng, today)
    system, ask = asked(rng, kind, material, team)
    conv = Conversation(kind["name"], kind["profile"], system, [], None, None, [])
    if system and system in material.house[team] and rng.random() < 0.6:
        conv.omitted = conv.cached = HANDBOOK
        conv.system = (
            f"{system}\n\n<handbook>\n[... {HANDBOOK:,} characters omitted by the logger ...]\n</handbook>"
        )
    conv.omitted += huge_tokens * 4
    extra = attachment(kind, slots) if not huge_tokens else 0
    conv.omitted += extra
    shape = rng.choice(kind.get("shapes", ["text"])) if "case" not in kind else "text"
    follow = 2 if not huge_tokens and kind["profile"] != "coordination" and rng.random() < 0.12 else 1
    history: list[dict[str, Any]] = []
    for turn in range(follow):
        if turn:
            slots = material.draw(rng, today)
        case: dict[str, Any] = {}
        if "case" in kind:
            case = rng.choice(kind["case"])
            payload, value = "", material.fill(case.get("answer" if right else "weak", ""), slots)
        elif kind["profile"] == "classification":
            payload, value, _ = classify(rng, kind, material, right)
        else:
            payload, value = extract(rng, kind, material, slots, right)
        whole = (
            ask
            if not turn
            else "{case}{payload}"
            if rng.random() < 0.5
            else "And this one:\n\n{case}{payload}"
        )
        said = whole.replace("{case}", case.get("text", "")).replace("{payload}", payload)
        if huge_tokens:
            said = said.replace("{bundle}", material.bundles[case["bundle"]])
        said = material.fill(said, {**slots, "cut": f"{huge_tokens * 4:,}"}).strip()
        if extra and not turn:
            said += f"\n\n[attached {ATTACHED[extra % len(ATTACHED)]}: {extra:,} characters omitted by the logger]"
        conv.foreign |= any(
            mark in said for mark in ("Sie ", "Bitte ", "¿", "Bonjour", "Rechnung", "Schaden")
        )
        history = [*history, {"role": "user", "text": said}]
        if kind["profile"] == "coordination":
            return work(rng, kind, case, material, slots, conv, history, right)
        reply = render(rng, shape, value, kind, conv)
        if kind["profile"] == "reasoning" and rng.random() < 0.12:
            reply = render(rng, "json", value, kind, conv)
        reply.messages = history
        conv.exchanges.append(reply)
        history = [*history, {"role": "assistant", "text": reply.text, "calls": reply.calls}]
        if reply.calls:
            history.append({"role": "tool", "call_id": reply.calls[0]["id"], "text": '{"ok": true}'})
    if (
        not conv.tools and team != "growth" and rng.random() < 0.15
    ):  # a gateway that always sends the desk's tools
        conv.tools = [tool(material, t) for t in rng.sample(sorted(material.tools), 5)]
    return conv


def work(
    rng: random.Random,
    kind: dict[str, Any],
    case: dict[str, Any],
    material: Material,
    slots: dict[str, str],
    conv: Conversation,
    history: list[dict[str, Any]],
    right: bool,
) -> Conversation:
    conv.tools = [tool(material, name) for name in kind.get("tools", [])]
    steps = case["steps"] if right or len(case["steps"]) < 3 else case["steps"][: rng.randint(1, 3)]
    for raw_said, name, raw_arguments, raw_result in steps:
        said, arguments, result = (material.fill(t, slots) for t in (raw_said, raw_arguments, raw_result))
        made = call(rng, name, arguments)
        conv.exchanges.append(Exchange(history, said, [made]))
        history = [
            *history,
            {"role": "assistant", "text": said, "calls": [made]},
            {"role": "tool", "call_id": made["id"], "text": result},
        ]
    end = material.fill(case["final"] if right else case["bad_final"], slots)
    if not steps and rng.random() < 0.3:
        conv.schema = {
            "name": "result",
            "strict": True,
            "schema": result_schema({"plan": {"type": "string"}}),
        }
        end = json.dumps({"plan": end}, ensure_ascii=False)
    conv.exchanges.append(Exchange(history, end))
    return conv
