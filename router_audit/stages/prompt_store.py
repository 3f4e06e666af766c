"""Prompt classifiers in the store."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_audit.store import Store


@dataclass(frozen=True, slots=True)
class StoredPrompt:
    """A prompt, the model it was chosen with, and how it did."""

    version: str
    labeller: str
    origin: str
    model: str
    prompt: str
    about: dict[str, Any]


def keep_prompt(store: Store, prompt: StoredPrompt) -> str:
    """Store it as the newest; its version, a hash of the text and the model."""
    import polars as pl

    version = "prompt-" + sha256(f"{prompt.model}\n{prompt.prompt}".encode()).hexdigest()[:16]
    newest = int(store.query("prompt_sequence")["newest"][0])
    row = {
        "version": version,
        "sequence": newest + 1,
        "labeller": prompt.labeller,
        "origin": prompt.origin,
        "model": prompt.model,
        "prompt": prompt.prompt,
        "metadata": json.dumps(prompt.about, sort_keys=True),
    }
    store.append("prompt_classifiers", pl.DataFrame([row]), on_conflict="replace")
    return version


def latest_prompt(store: Store) -> StoredPrompt | None:
    """The newest prompt; None where there is none."""
    for row in store.query("latest_prompt").iter_rows(named=True):
        found = StoredPrompt(row["version"], row["labeller"], row["origin"], row["model"], row["prompt"], {})
        return replace(found, about=json.loads(row["metadata"]))
    return None
