"""The last days of the store against the days before: mix, content, new templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.errors import UserError
from router_audit.types import PROFILES
from router_audit.types.drift import Drift, NewTemplate

if TYPE_CHECKING:
    import polars as pl

    from router_audit.store import Store
    from router_audit.types.drift import TwoSamples

SHOWN = 10
"""New templates that are shown, the most used first."""


@dataclass(frozen=True, slots=True)
class DriftOptions:
    """Which windows are compared."""

    days: float = 30.0
    """Length of either window; the later one ends with the last request."""
    last: int | None = None


def drift(store: Store, options: DriftOptions) -> Drift:
    """Compare the two windows. Raises UserError where the store holds no dated request."""
    import polars as pl

    from router_audit.month.drifting import stability

    store.run("select_window", last=options.last)
    latest = store.query("latest_classifier")
    frame = store.query(
        "drift_rows",
        classifier=latest["version"][0] if latest.height else "",
        window_us=int(options.days * 86_400_000_000),
    )
    if frame.is_empty():
        raise UserError(
            "the store holds no dated request; run `router-audit ingest PATH…`", where=str(store.path)
        )
    before, now = frame.filter(~pl.col("later")), frame.filter("later")
    if before.is_empty():
        return Drift(None, options.days, 0, now.height, (), (), {}, ())
    mixes = tuple(
        stability(of, _counts(before, column), _counts(now, column))
        for of, column in (("profile", "profile"), ("template", "template_id"))
    )
    tests, untested = [], {}
    for profile in PROFILES:
        found = _tested(store, profile, before, now, latest["encoder"][0] if latest.height else "")
        if isinstance(found, str):
            untested[profile] = found
        else:
            tests.append(found)
    return Drift(
        since=now["started_at"].to_list()[0],
        days=options.days,
        before=before.height,
        now=now.height,
        stability=mixes,
        tests=tuple(tests),
        untested={str(profile): why for profile, why in untested.items()},
        new_templates=_new(store, before, now),
    )


def _counts(frame: pl.DataFrame, column: str) -> dict[str, int]:
    import polars as pl

    named = frame.select(pl.col(column).fill_null("untagged").alias("name"))
    return dict(named.group_by("name").len().iter_rows())


def _tested(
    store: Store, profile: str, before: pl.DataFrame, now: pl.DataFrame, encoder: str
) -> TwoSamples | str:
    """The two-sample test of one profile, or why there is none."""
    import numpy as np
    import polars as pl

    from router_audit.month.drifting import FEWEST, LEVEL, two_samples

    parts = [
        frame.filter(pl.col("profile") == profile).unique("session_id", keep="first", maintain_order=True)
        for frame in (before, now)
    ]
    vectors = dict(
        store.query(
            "content_vectors",
            encoder=encoder,
            contents=pl.concat([part["content_hash"] for part in parts]).unique().to_list(),
        ).iter_rows()
    )
    rows = [[vectors[name] for name in part["content_hash"] if name in vectors] for part in parts]
    if min(map(len, rows)) < FEWEST:
        return f"{len(rows[0])} and {len(rows[1])} sessions with a vector; {FEWEST} of either are needed"
    before_rows, now_rows = (np.asarray(part, dtype=np.float32) for part in rows)
    return two_samples(profile, before_rows, now_rows, np.random.default_rng(0), level=LEVEL / len(PROFILES))


def _new(store: Store, before: pl.DataFrame, now: pl.DataFrame) -> tuple[NewTemplate, ...]:
    import polars as pl

    from router_audit.summary.examples import example_of

    counted = (
        now.filter(~pl.col("template_id").is_in(before["template_id"].unique().implode()))
        .group_by("template_id")
        .agg(pl.len().alias("n"), pl.col("request_id").min(), pl.col("profile").drop_nulls().mode().min())
        .sort("n", "template_id", descending=[True, False])
        .head(SHOWN)
    )
    texts = {
        row["request_id"]: row
        for row in store.query("request_texts", names=counted["request_id"].to_list()).iter_rows(named=True)
    }
    return tuple(
        NewTemplate(
            template_id=row["template_id"],
            profile=row["profile"],
            requests=row["n"],
            share=row["n"] / now.height,
            example=example_of(texts[row["request_id"]], row["profile"] or "", row["n"], redact=False).text,
        )
        for row in counted.iter_rows(named=True)
    )
