"""A table with its classifier in a folder, over an encoder that needs no weights: what router tests decide by."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from router_audit.builtin.features import stored_features
from router_audit.classifier.fit import fit_linear
from router_audit.classifier.head import Head, save_head
from router_audit.files.document import pretty, sealed
from router_audit.files.tables import classifier_folder
from router_audit.recipe.view import RECIPE_VERSION, view_prompt
from router_audit.types import PROFILES
from tests.test_policy import LADDER
from tests.test_table_document import content as sealable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router_audit.embedding import Encoder
    from router_audit.types import Ladder

ASKS = {
    "classification": "Classify the sentiment of this review as positive or negative: {}",
    "extraction": "Extract every date and amount from this invoice as JSON: {}",
    "reasoning": "Prove step by step why this inequality holds: {}",
    "coordination": "Use the tools to book the flight, then notify the team and update the calendar: {}",
}
WORDS = (
    "the",
    "parcel",
    "came",
    "late",
    "lamp",
    "glows",
    "warm",
    "over",
    "nine",
    "green",
    "chairs",
    "by",
    "our",
    "door",
)
PRICES = {
    "anthropic/claude-haiku-4-5": (1.0, 5.0, 200_000),
    "anthropic/claude-sonnet-4-6": (3.0, 15.0, 1_000_000),
    "anthropic/claude-opus-4-7": (5.0, 25.0, 1_000_000),
    "google/gemini-2.5-flash": (0.3, 2.5, 1_048_576),
    "openai/gpt-4.1-nano": (0.1, 0.4, 1_047_576),
    "openai/gpt-4o-mini": (0.15, 0.6, 128_000),
}


class HashEncoder:
    """Words hashed into 64 buckets: deterministic, instant, and good enough to tell four asks apart."""

    name = "hash"
    dimension = 64

    def encode(self, texts: Sequence[str]) -> Any:
        """See `Encoder.encode`."""
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                out[row, zlib.crc32(word.encode()) % self.dimension] += 1.0
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


def ask(profile: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """A request of a profile; every number gives another payload."""
    payload = " ".join(WORDS[(number + step * 3) % len(WORDS)] for step in range(8)) + f" no. {number}"
    return {"messages": [{"role": "user", "content": ASKS[profile].format(payload)}], **more}


def head(encoder: Encoder) -> Head:
    """A classifier that tells the four asks apart."""
    labels = [profile for profile in PROFILES for _ in range(12)]
    views = [view_prompt(ask(profile, number)) for profile in PROFILES for number in range(12)]
    features = stored_features(views, encoder)
    return Head(tuple(PROFILES), (fit_linear(features, labels, PROFILES),))


def content(
    classifier: str | None, *, ladder: Ladder = LADDER, encoder: str = "hash", **over: Any
) -> dict[str, Any]:
    """A table's content: the assumed ladder over traffic of Opus and Sonnet, with prices and a classifier."""
    models = {
        ref: {"input_mtok": cost[0], "output_mtok": cost[1], "context_window": cost[2]}
        for ref, cost in PRICES.items()
    }
    plain = sealable(ladder)
    plain["ladder"]["long_context"] = ladder.long_context.ref if ladder.long_context else None
    return {
        **plain,
        "classifier": classifier,
        "encoder": f"{encoder}/{RECIPE_VERSION}",
        "prices": {"as_of": "2026-10-31", "source": "test", "models": models},
        **over,
    }


def write_table(
    folder: Path,
    version: str = "v0001",
    parent: str | None = None,
    encoder: Encoder | None = None,
    **over: Any,
) -> Path:
    """A sound table and its classifier in `folder`."""
    encoder = encoder or HashEncoder()
    made = head(encoder)
    place = classifier_folder(folder, made.version)
    if not place.is_dir():
        save_head(made, place)
    named = over.pop("classifier", made.version)
    path = folder / f"{version}.json"
    document = sealed(
        json.loads(json.dumps(content(named, encoder=encoder.name, **over))),
        version=version,
        parent=parent,
    )
    path.write_text(pretty(document), "utf-8")
    return path
