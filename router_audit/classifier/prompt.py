"""Prompts with chosen examples within a token budget, and the split they are chosen and measured on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_audit.classifier.fit import grouped_split
from router_audit.types import PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HELD_OUT = 0.25
VALIDATED = 0.3
BYTES_PER_TOKEN = 4
SIZES = (0, 1, 2, 4)
"""Examples of each profile in the candidates."""
SHOWN = {"system": 200, "first_turn": 80, "last_turn": 400}
"""Characters of each field of an example."""


@dataclass(frozen=True, slots=True)
class Example:
    """An excerpt and its profile."""

    shown: Mapping[str, Any]
    profile: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A candidate."""

    text: str
    examples: int
    tokens: int
    """About: four bytes a token."""


def split_parts(
    groups: Sequence[str], weights: Sequence[int], seed: int
) -> tuple[list[int], list[int], list[int]]:
    """(examples pool, validation, test) row indices, no template in two of them, each heaviest templates spread out.

    The test part is what `train` holds out of the same rows, so that both forms are measured on the same split.
    """
    rest, test = (list(map(int, part)) for part in grouped_split(groups, HELD_OUT, seed))
    kept, checked = grouped_split([groups[i] for i in rest], VALIDATED, seed + 1)
    pool, validation = [rest[int(i)] for i in kept], [rest[int(i)] for i in checked]
    return pool, _spread(validation, groups, weights), _spread(test, groups, weights)


def candidates(instruction: str, examples: Sequence[Example], token_budget: int) -> list[Prompt]:
    """The instruction alone, and with one, two, four examples of each profile, those that fit the budget."""
    found: dict[str, Prompt] = {}
    for size in SIZES:
        chosen = [
            example
            for profile in PROFILES
            for example in _typical([e for e in examples if e.profile == profile], size)
        ]
        prompt = build_prompt(instruction, chosen, token_budget)
        found.setdefault(prompt.text, prompt)
    return list(found.values())


def build_prompt(instruction: str, examples: Sequence[Example], token_budget: int) -> Prompt:
    """The instruction with as many of the examples as `token_budget` holds, profiles in turn."""
    lines: list[str] = []
    room = token_budget * BYTES_PER_TOKEN
    for example in _in_turn(examples):
        line = json.dumps(_short(example.shown), ensure_ascii=False) + f"\n=> {example.profile}"
        if len(line.encode()) + 1 > room:
            continue
        room -= len(line.encode()) + 1
        lines.append(line)
    text = instruction if not lines else "\n\n".join([instruction, "Examples:", *lines])
    return Prompt(text, len(lines), len(text.encode()) // BYTES_PER_TOKEN)


def _typical(examples: Sequence[Example], size: int) -> list[Example]:
    """Short examples first, spread over the lengths: long ones teach little a token."""
    ordered = sorted(examples, key=lambda e: (len(json.dumps(e.shown, ensure_ascii=False)), str(e.shown)))
    half = ordered[: max(size, len(ordered) // 2)]
    step = max(len(half) // size, 1) if size else 1
    return half[::step][:size] if size else []


def _in_turn(examples: Sequence[Example]) -> list[Example]:
    queues = [[e for e in examples if e.profile == profile] for profile in PROFILES]
    return [queue[i] for i in range(max(map(len, queues), default=0)) for queue in queues if i < len(queue)]


def _short(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value[: SHOWN[key]] + ("…" if len(value) > SHOWN[key] else "") if key in SHOWN else value
        for key, value in shown.items()
    }


def _spread(rows: Sequence[int], groups: Sequence[str], weights: Sequence[int]) -> list[int]:
    """Rows with the templates in turn, heaviest first, so that the first N cover many templates."""
    turns: dict[str, list[int]] = {}
    for row in sorted(rows, key=lambda i: (-weights[i], i)):
        turns.setdefault(groups[row], []).append(row)
    order = list(turns.values())
    return [queue[i] for i in range(max(map(len, order), default=0)) for queue in order if i < len(queue)]
