"""From stored requests to labels: every distinct content is embedded and judged once."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router_audit.builtin.features import build_features, stored_columns, vector_name, view_prompts
from router_audit.embedding import DEFAULT_ENCODER, CachedEncoder, load_encoder
from router_audit.labellers.builtin import BuiltinLabeller
from router_audit.recipe.view import RECIPE_VERSION
from router_audit.stages.asked_labels import label_by_asking
from router_audit.stages.records import prompt_record
from router_audit.types import PROFILES

if TYPE_CHECKING:
    import polars as pl

    from router_audit.recipe.view import PromptView
    from router_audit.stages.asked_labels import AskedOptions, CoreEstimate
    from router_audit.store import Store
    from router_audit.types.progress import Progress

BATCH = 512
REMEMBERED = 20_000
"""Texts whose vector is kept in memory: 30 MB. Templates come back in batch after batch."""


@dataclass(frozen=True, slots=True)
class TagOptions:
    """Which requests to label, and how."""

    last: int | None = None
    encoder: str | None = None
    asked: AskedOptions | None = None
    """Ask a model provider too; None keeps everything on this machine."""


@dataclass(frozen=True, slots=True)
class TagResult:
    """Requests by the profile of their content, as the named labeller sees them."""

    by_profile: dict[str, int]
    abstained: int
    labelled: int
    """Contents that were labelled by this call; the others had their label already."""
    cost_usd: Decimal
    labeller: str = "builtin"
    at_risk_usd: Decimal = Decimal(0)
    """The most that calls whose answer was lost may have cost beside."""
    unlabelled: dict[str, int] = field(default_factory=dict)
    """Selected contents that the provider gave no verdict on, by the reason; a later run asks again."""
    core: CoreEstimate | None = None
    """What the random core says of the whole traffic; None for the builtin labeller."""


def tag(store: Store, options: TagOptions, progress: Progress) -> TagResult:
    """Label the contents of the audited requests that this labeller has not seen.

    The builtin labeller judges all of them. A provider is asked about a selection only, which the builtin
    verdicts guide.
    """
    encoder = CachedEncoder(load_encoder(options.encoder or DEFAULT_ENCODER), REMEMBERED)
    labeller = BuiltinLabeller()
    store.run("select_window", last=options.last)
    store.run("select_contents")
    who = {"labeller": labeller.name, "model": labeller.version, "prompt_version": RECIPE_VERSION}
    waiting = int(store.query("unlabelled_count", **who)["contents"][0])
    labelled = 0
    if waiting:
        progress.stage("tagging", waiting)
        name = vector_name(encoder)
        for batch in store.stream("unlabelled_contents", batch_rows=BATCH, encoder=name, **who):
            views = view_prompts([prompt_record(row) for row in batch.iter_rows(named=True)])
            _recall(encoder, views, batch["vector"])
            features = build_features(views, encoder, form="full")
            fresh = batch["vector"].is_null()
            vectors = _embeddings(batch, stored_columns(features), name)
            store.append("embeddings", vectors.filter(fresh), on_conflict="ignore", aside=True)
            labels = _labels(batch, labeller.judge(views, features), who)
            store.append("labels", labels, on_conflict="ignore", aside=True)
            labelled += batch.height
            progress.advance(batch.height)
    if options.asked is not None:
        asked = label_by_asking(store, options.asked, who, vector_name(encoder), progress)
        counts = dict(store.query("label_counts", **asked.who).iter_rows())
        return TagResult(
            by_profile={profile: counts.get(profile, 0) for profile in PROFILES},
            abstained=counts.get(None, 0),
            labelled=asked.labelled,
            cost_usd=asked.cost_usd,
            labeller=options.asked.labeller,
            at_risk_usd=asked.at_risk_usd,
            unlabelled=asked.unlabelled,
            core=asked.core,
        )
    counts = dict(store.query("label_counts", **who).iter_rows())
    return TagResult(
        by_profile={profile: counts.get(profile, 0) for profile in PROFILES},
        abstained=counts.get(None, 0),
        labelled=labelled,
        cost_usd=Decimal(0),
    )


def _recall(encoder: CachedEncoder, views: list[PromptView], vectors: pl.Series) -> None:
    """Give the encoder the sentence vectors that the store has; beside them it keeps structure, which is quick."""
    import numpy as np

    for view, stored in zip(views, vectors, strict=True):
        if stored is not None:
            encoder.remember(view.instruction, stored.to_numpy()[-encoder.dimension :].astype(np.float32))


def _embeddings(batch: pl.DataFrame, vectors: Any, encoder: str) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        {
            "content_hash": batch["content_hash"],
            "encoder": pl.repeat(encoder, batch.height, eager=True),
            "vector": pl.Series(list(vectors), dtype=pl.List(pl.Float32)),
        }
    )


def _labels(batch: pl.DataFrame, verdicts: Any, who: dict[str, str]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        {
            "content_hash": batch["content_hash"],
            "profile": pl.Series(
                [None if verdict.abstained else verdict.profile for verdict in verdicts], dtype=pl.String
            ),
            "probability": pl.Series([verdict.probability for verdict in verdicts], dtype=pl.Float64),
            "reason": pl.Series([verdict.abstained for verdict in verdicts], dtype=pl.String),
        }
    ).with_columns(
        *(pl.lit(value).alias(name) for name, value in who.items()),
        pl.lit(0.0).alias("cost_usd"),
        pl.lit("core").alias("stratum"),
    )
