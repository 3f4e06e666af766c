"""The versioned recipe that turns a prompt record into the short texts and the structure features a classifier may see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from router_audit.recipe.guard import strip_attacks
from router_audit.recipe.matching import fold
from router_audit.recipe.record import (
    SYSTEM_HEAD,
    SYSTEM_TAIL,
    TURN_HEAD,
    TURN_TAIL,
    clean_ends,
    ends,
    gather_prompt,
)
from router_audit.recipe.sentences import (
    ASKS_SCORE,
    chief,
    modal_words,
    pick,
    score_units,
    squeeze,
)
from router_audit.recipe.structure import UserPart, measure, read_system

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.recipe.record import PromptParts
    from router_audit.recipe.structure import SystemPart

RECIPE_VERSION = "3"
INSTRUCTION_CHARS = 420
SYSTEM_CHARS = 320
WHOLE_HEAD, WHOLE_TAIL = 200, 160
KEPT_SYSTEMS, KEPT_TURNS = 1024, 1024
"""System messages and turns whose reading is remembered: production traffic repeats them. A text of which more is never
read than its ends is remembered by those alone, so that the memory is bounded."""


@dataclass(frozen=True)
class PromptView:
    """The short texts of one request and its structure features, as the classifier sees them."""

    instruction: str
    """What the request asks for: chosen sentences of the system message and of the user's turn, payload left out."""
    order: str
    """The one sentence of both that asks most: what the work is, apart from all that surrounds it."""
    whole: str
    """Head and tail of the user's turn, payload included."""
    features: tuple[float, ...]
    """One number per name in FEATURE_NAMES."""
    has_text: bool
    """False when nothing readable was left: an empty prompt, images only."""


def view_prompt(record: Mapping[str, object]) -> PromptView:
    """Apply the recipe to one record; cost does not grow with the size of the prompt."""
    parts = gather_prompt(record)
    system = read_system_message(*ends(parts.system, SYSTEM_HEAD, SYSTEM_TAIL))
    turns = 0
    asked: list[str] = []
    for turn in parts.turns:
        text = read_turn(*ends(turn.text, TURN_HEAD, TURN_TAIL))
        if text:
            turns += 1
            if turn.role != "assistant":
                asked.append(text)
    user = asked[-1] if asked else ""
    if len(asked) > 1 and len(user) < 200:
        user = asked[0][:1200] + "\n\n" + user
    folded = fold(user)
    modals = modal_words(folded)
    units = score_units(user, modals)
    told = UserPart(
        text=user,
        folded=folded,
        modals=modals,
        ask=pick(user, units, INSTRUCTION_CHARS),
        orders=sum([score >= ASKS_SCORE for _, score in units]),
        sentences=len(units),
    )
    order, score = chief(units)
    if system.order[1] > score:
        order = system.order[0]
    instruction = "\n".join([text for text in (system.ask, told.ask, _outside(parts)) if text])
    whole = squeeze(
        user if len(user) <= WHOLE_HEAD + WHOLE_TAIL else user[:WHOLE_HEAD] + " … " + user[-WHOLE_TAIL:]
    )
    features = measure(parts, system, told, turns, len(asked))
    return PromptView(instruction or whole, order, whole or instruction, features, bool(system.text or user))


@lru_cache(maxsize=KEPT_SYSTEMS)
def read_system_message(head: str, tail: str) -> SystemPart:
    """What the recipe reads of a system message, given by its ends."""
    text = _read(head, tail)
    units = score_units(text, modal_words(fold(text)))
    return read_system(text, pick(text, units, SYSTEM_CHARS), chief(units))


@lru_cache(maxsize=KEPT_TURNS)
def read_turn(head: str, tail: str) -> str:
    """What is left of a turn, given by its ends."""
    return _read(head, tail)


def _read(head: str, tail: str) -> str:
    return strip_attacks(clean_ends(head, tail).strip()).strip()


def _outside(parts: PromptParts) -> str:
    """Say in words what stands outside the text: tools and the response format."""
    said = []
    if parts.tool_names:
        said.append("Tools: " + ", ".join(parts.tool_names[:12])[:160])
    if parts.response_format.startswith("json"):
        said.append("Format: JSON")
    return " ".join(said)
