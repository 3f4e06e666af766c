"""Decide by a routing table with nothing but Python's standard library: `route(task, ask)`.

`ask(prompt)` sends one prompt to any model you choose and returns its text; its answer names the profile.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

TABLE: dict[str, Any] = json.loads(r"""{}""")
"""The table's rows, ladder and prices."""
PROMPT: str = json.loads(r"""null""") or ""
"""What the profile classifier is told; the task follows it."""
WINDOW_MARGIN = 1.1
BYTES_PER_TOKEN = 4


def route(
    task: str,
    ask: Callable[[str], str],
    *,
    model: str | None = None,
    request_id: str | None = None,
    canary_key: str = "",
    canary_share: float = 0.01,
) -> dict[str, Any]:
    """The decision for a task: which model serves it, and the one rung up for a weak answer."""
    answer = ask(PROMPT + "\n\n" + json.dumps({"prompt": task}, ensure_ascii=False)).strip().lower()
    profile = next((name for name in TABLE["profiles"] if name in answer), None)
    return decide(
        profile,
        model=model,
        input_tokens=math.ceil(len(task.encode()) / BYTES_PER_TOKEN),
        request_id=request_id or task,
        canary_key=canary_key,
        canary_share=canary_share,
    )


def decide(
    profile: str | None,
    *,
    model: str | None = None,
    input_tokens: int = 0,
    output_tokens: int = 0,
    request_id: str = "",
    canary_key: str = "",
    canary_share: float = 0.01,
) -> dict[str, Any]:
    """The decision for a profile. A request is moved only to a cheaper model that the table applies and that holds it."""
    huge = input_tokens > TABLE["huge_context_tokens"]
    row = _row(profile, huge=huge)
    asked = model or (row["incumbent"] if row else TABLE["busiest_incumbent"])
    stays = {
        "profile": profile, "huge_context": huge, "model": asked, "served_by": asked, "escalate_to": None,
        "threshold": 0.0, "canary": False, "propensity": 0.0, "moved": False, "table_version": TABLE["version"],
    }  # fmt: skip
    if row is None or not row["applied"] or row["model"] is None:
        return stays
    wanted = row["model"]
    if not _fits(wanted, input_tokens, output_tokens) or not _cheaper(wanted, asked):
        return stays
    premium = TABLE["premium"]
    eligible = premium is not None and premium != wanted and _fits(premium, input_tokens, output_tokens)
    canary = eligible and canary_draw(request_id, canary_key) < canary_share
    above = row["escalate_to"]
    return {
        **stays,
        "model": wanted,
        "served_by": premium if canary else wanted,
        "escalate_to": above if above and _fits(above, input_tokens, output_tokens) else None,
        "threshold": row["threshold"],
        "canary": canary,
        "propensity": canary_share if eligible else 0.0,
        "moved": True,
    }


def escalate(decision: dict[str, Any], *, weak: bool = False, confidence: float | None = None) -> str | None:
    """The one rung up for an answer that is weak (refused, empty, truncated, of a wrong schema) or not sure enough."""
    threshold = decision["threshold"]
    unsure = threshold > 0 and (confidence is None or confidence < threshold)
    return decision["escalate_to"] if weak or unsure else None


def canary_draw(request_id: str, key: str) -> float:
    """The request's place in [0, 1); in the canary where it is below the share."""
    digest = hashlib.blake2b(
        request_id.encode("utf-8", "surrogatepass"), key=key.encode()[:64], digest_size=8
    )
    return (int.from_bytes(digest.digest(), "big") >> 11) / (1 << 53)


def _row(profile: str | None, *, huge: bool) -> dict[str, Any] | None:
    rows = TABLE["rows"]
    found: dict[str, Any] | None = (rows.get(f"{profile}/huge") if huge else None) or rows.get(
        f"{profile}/standard"
    )
    return found


def _fits(model: str, input_tokens: int, output_tokens: int) -> bool:
    window = TABLE["windows"].get(model)
    return window is None or input_tokens * WINDOW_MARGIN + output_tokens <= window


def _cheaper(model: str, asked: str | None) -> bool:
    if asked is None:
        return True
    ours, theirs = TABLE["blended_mtok"].get(model), TABLE["blended_mtok"].get(asked)
    return ours is not None and theirs is not None and ours < theirs
