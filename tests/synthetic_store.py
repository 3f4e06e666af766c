"""A store filled without reading a log or running an encoder: requests, profiles, vectors and trials by number.

Everything comes from a seed, so that a test may state what it expects; nothing in it is a claim about traffic.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.types import PROFILES

if TYPE_CHECKING:
    from router_audit.store import Store

CLASSIFIER = "synthetic"
MODELS = (
    ("anthropic", "claude-opus-4-7"),
    ("anthropic", "claude-sonnet-4-6"),
    ("anthropic", "claude-haiku-4-5"),
)
SAID = {
    "classification": "Which queue does this ticket belong to: billing, shipping or returns? My parcel {n} is late.",
    "extraction": "Copy the invoice number, the date and the total from: invoice INV-{n}, due 2026-11-03, 412.50 EUR.",
    "reasoning": "Our churn rose by {n} customers in a quarter. Work out which of the three causes explains most of it.",
    "coordination": "Plan the migration of service {n}, run the checks with your tools, and open one change per step.",
}


@dataclass(frozen=True, slots=True)
class Filling:
    """How much of what."""

    requests: int = 2000
    days: int = 30
    models: int = 3
    templates: int = 24
    text: str = ""
    """What every request says instead of `SAID`."""
    model: str | None = None
    """The model every request names instead of `MODELS`."""
    rejects: int = 3


def fill(store: Store, filling: Filling) -> None:
    """Requests of all profiles over some days, tagged by a classifier called `synthetic`."""
    rng = np.random.default_rng(7)
    n = filling.requests
    profile = rng.choice(4, n, p=(0.42, 0.31, 0.17, 0.10))
    number = np.arange(n)
    template = (number % max(1, filling.templates // 4)) * 4 + profile
    content = np.minimum(number, n)
    model = np.minimum(rng.choice(3, n, p=(0.35, 0.5, 0.15)), filling.models - 1)
    day = np.sort(rng.integers(0, max(1, filling.days) * 86_400, n))
    scale = np.array([9_000, 24_000, 19_000, 45_000])[profile]
    tokens_in = np.minimum((scale * rng.lognormal(0, 0.5, n)).astype(np.int64) + 50, 190_000)
    tokens_out = (np.array([12, 160, 900, 600])[profile] * rng.lognormal(0, 0.4, n)).astype(np.int64) + 1
    start = datetime(2026, 10, 1)  # noqa: DTZ001  the store keeps UTC without a zone
    frame = pl.DataFrame(
        {
            "_n": number,
            "_profile": profile,
            "_second": day,
            "_model": model,
            "_template": template,
            "_content": content,
            "input_tokens": tokens_in,
            "output_tokens": tokens_out,
            "cache_read_tokens": (tokens_in * rng.choice((0.0, 0.6), n)).astype(np.int64),
            "latency_ms": np.array([2600.0, 1500.0, 700.0])[model] * rng.lognormal(0, 0.35, n)
            + tokens_out * 6,
        }
    )
    names = [filling.model] * 3 if filling.model else [name for _, name in MODELS]
    said = pl.col("_profile").replace_strict(
        {i: filling.text or SAID[name] for i, name in enumerate(PROFILES)}, return_dtype=pl.String
    )
    text = said.str.replace("{n}", pl.col("_n").cast(pl.String), literal=True)
    escaped = text.map_elements(json.dumps, return_dtype=pl.String) if n <= 10_000 else '"' + text + '"'
    nothing = {"params": "{}", "routing": "{}", "flags": "[]", "tags": "{}", "output": "[]"}
    frame = frame.with_columns(
        ("r" + pl.col("_n").cast(pl.String).str.zfill(8)).alias("request_id"),
        ("t" + pl.col("_template").cast(pl.String)).alias("template_id"),
        ("c" + pl.col("_content").cast(pl.String)).alias("content_hash"),
        (pl.lit(start) + pl.duration(seconds="_second")).alias("started_at"),
        pl.lit("anthropic").alias("provider"),
        pl.col("_model")
        .replace_strict(dict(enumerate(names)), return_dtype=pl.String)
        .alias("request_model"),
        ('[{"role":"user","parts":[{"type":"text","content":' + escaped + "}]}]").alias("messages"),
        ("s" + (pl.col("_n") // 3).cast(pl.String)).alias("session_id"),
        pl.lit("anthropic").alias("source"),
        pl.lit("october.jsonl").alias("file"),
        pl.col("_n").alias("line"),
        pl.lit("ok").alias("status"),
        pl.lit(0).alias("retry_count"),
        pl.lit("support").alias("team"),
        *(pl.lit(value).alias(name) for name, value in nothing.items()),
    )
    if n:
        store.append("requests", frame.drop(c for c in frame.columns if c.startswith("_")))
        _tags(store, frame, rng)
        templates = sorted({(f"t{t}", int(t) % 4) for t in template})
        store.append(
            "templates",
            pl.DataFrame(
                {
                    "template_id": [name for name, _ in templates],
                    "system": [
                        f"{filling.text[:200]}You are step {name[1:]} of the support desk ({PROFILES[kind]})."
                        for name, kind in templates
                    ],
                    "tools": "[]",
                }
            ),
        )
    if filling.rejects:
        store.append(
            "rejects",
            pl.DataFrame(
                {
                    "file": "october.jsonl",
                    "line": list(range(1, filling.rejects + 1)),
                    "source": "unknown",
                    "reason": "not JSON",
                    "excerpt": "{",
                }
            ),
        )


def _tags(store: Store, frame: pl.DataFrame, rng: np.random.Generator) -> None:
    contents = frame.unique("content_hash", keep="first", maintain_order=True)
    store.append(
        "classifiers",
        pl.DataFrame(
            {
                "version": [CLASSIFIER],
                "sequence": [1],
                "encoder": ["synthetic"],
                "labeller": ["builtin"],
                "metadata": ['{"head": null}'],
                "arrays": [b""],
            }
        ),
    )
    store.append(
        "predictions",
        contents.select(
            "content_hash",
            pl.lit(CLASSIFIER).alias("classifier"),
            pl.col("_profile")
            .replace_strict(dict(enumerate(PROFILES)), return_dtype=pl.String)
            .alias("profile"),
            pl.lit(0.9).alias("probability"),
            pl.lit("").alias("reason"),
        ),
    )
    some = contents.head(20_000)
    centres = rng.normal(size=(4, 8)) * 3
    vectors = centres[some["_profile"].to_numpy()] + rng.normal(size=(some.height, 8))
    store.append(
        "embeddings",
        pl.DataFrame(
            {
                "content_hash": some["content_hash"],
                "encoder": "synthetic",
                "vector": pl.Series(vectors.astype(np.float32), dtype=pl.Array(pl.Float32, 8)).cast(
                    pl.List(pl.Float32)
                ),
            }
        ),
    )


def try_candidates(store: Store, per_profile: int = 160) -> None:
    """Trials of the two cheaper models: good at classification and extraction, poor at coordination."""
    rng = np.random.default_rng(11)
    rows = []
    requests = store.connection.sql(
        "SELECT r.request_id, p.profile FROM requests r JOIN predictions p USING (content_hash) ORDER BY request_id"
    ).fetchall()
    fails = {
        ("claude-haiku-4-5", "classification"): 0.004, ("claude-haiku-4-5", "extraction"): 0.03,
        ("claude-haiku-4-5", "reasoning"): 0.12, ("claude-haiku-4-5", "coordination"): 0.35,
        ("claude-sonnet-4-6", "classification"): 0.002, ("claude-sonnet-4-6", "extraction"): 0.005,
        ("claude-sonnet-4-6", "reasoning"): 0.02, ("claude-sonnet-4-6", "coordination"): 0.2,
    }  # fmt: skip
    for profile in PROFILES:
        for model in ("claude-haiku-4-5", "claude-sonnet-4-6"):
            for request_id in [r for r, p in requests if p == profile][:per_profile]:
                failed = bool(rng.random() < fails[model, profile])
                rows.append(
                    {
                        "trial_id": f"{request_id}-{model}",
                        "request_id": request_id,
                        "candidate": f"anthropic/{model}",
                        "candidate_ok": not failed,
                        "incumbent_ok": bool(rng.random() < 0.98),
                        "grader": "exact",
                        "confidence": float(np.clip(rng.normal(0.55 if failed else 0.88, 0.1), 0, 1)),
                        "candidate_latency_ms": float(rng.lognormal(6.4 if "haiku" in model else 7.1, 0.3)),
                        "origin": "import",
                    }
                )
    store.append("trials", pl.DataFrame(rows))


def count_canary(store: Store, *, days: int = 20, a_day: int = 12) -> None:
    """Counted canary pairs: extraction unharmed, classification harmed from the eleventh day on."""
    rng = np.random.default_rng(13)
    rows = [
        {
            "request_id": f"canary-{route}-{day}-{n}",
            "route": f"{route}/standard",
            "model": "anthropic/claude-haiku-4-5",
            "epoch": 0,
            "day": date(2026, 10, 1) + timedelta(days=day),
            "difference": int(rng.random() < (0.3 if route == "classification" and day > 9 else 0.01)),
            "grader": "exact",
        }
        for route in ("classification", "extraction")
        for day in range(days)
        for n in range(a_day)
    ]
    store.append("canary_pairs", pl.DataFrame(rows))


def state_outcomes(store: Store, *, changed: str = "2026-10-19") -> None:
    """Outcomes of two tasks in three: by a flag, and from `changed` on in half of the cases by feedback.

    Of ten classification requests one is the second answer of an escalation from Haiku.
    """
    store.connection.execute(
        """
        UPDATE requests SET
            resolved = hash(session_id) % 100 < (CASE WHEN started_at < $changed::TIMESTAMP THEN 91 ELSE 96 END),
            outcome_origin = CASE
                WHEN started_at >= $changed::TIMESTAMP AND hash(session_id) % 2 = 0 THEN 'feedback' ELSE 'flag' END
        WHERE hash(session_id, 1) % 3 < 2
        """,
        {"changed": changed},
    )
    store.connection.execute(
        """
        UPDATE requests SET routing = json_object(
            'request_id', request_id, 'role', 'escalation', 'profile', 'classification', 'context', 'standard',
            'model', 'anthropic/claude-haiku-4-5', 'escalated_from', 'anthropic/claude-haiku-4-5',
            'asked', provider || '/' || request_model)
        WHERE content_hash IN (SELECT content_hash FROM predictions WHERE profile = 'classification')
            AND request_model = 'claude-sonnet-4-6' AND hash(request_id) % 5 = 0
        """
    )
