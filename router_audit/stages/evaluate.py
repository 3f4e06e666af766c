"""A classifier against anybody's gold labels."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router_audit.builtin.features import build_features, stored_features, view_prompts
from router_audit.classifier.fit import predict, predict_proba
from router_audit.classifier.head import unpack_head
from router_audit.classifier.report import evaluate as measure
from router_audit.embedding import load_encoder
from router_audit.errors import ModelError
from router_audit.files.gold import read_gold
from router_audit.labellers.builtin import NO_TEXT, BuiltinLabeller
from router_audit.stages.figures import figures_of
from router_audit.types import PROFILES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from router_audit.files.gold import GoldRecord
    from router_audit.stages.prompt_form import PromptAsking
    from router_audit.store import Store
    from router_audit.types.progress import Progress

    FloatArray = NDArray[np.float32]

BATCH = 1024


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """Which classifier, on which file."""

    gold: Path
    classifier: str = "builtin"
    """`builtin`, `latest`, a version of `train` (its first characters do), or `prompt`."""
    prompt: PromptAsking | None = None
    """How to ask, for `prompt`."""


@dataclass(frozen=True, slots=True)
class EvaluateResult:
    """The figures; an abstention counts as an error in `macro_f1` and in recall."""

    classifier: str
    n: int
    macro_f1: float
    per_profile: dict[str, dict[str, float]]
    confusion: dict[str, dict[str, int]]
    brier: float
    ece: float
    abstained: int
    risk_coverage: list[list[float]]
    rejected: int
    """Lines of the file that are no gold record."""
    reasons: tuple[str, ...]
    cost_usd: Decimal = Decimal(0)
    unanswered: dict[str, int] = field(default_factory=dict)


def evaluate(store: Store | None, options: EvaluateOptions, progress: Progress) -> EvaluateResult:
    """Judge every gold record and compare. The builtin labeller needs no store.

    Raises InputError on a file without gold, ModelError where the store holds no such classifier.
    """
    import numpy as np

    gold = read_gold(options.gold)
    asked: dict[str, Any] = {}
    if options.classifier == "prompt":
        from router_audit.stages.prompt_form import judge_by_prompt

        assert store is not None
        assert options.prompt is not None
        version, probabilities, withheld, asked = judge_by_prompt(
            store, [record.record for record in gold.records], options.prompt, progress
        )
    else:
        judge = _judge(store, options)
        version = judge.version
        blocks: list[FloatArray] = []
        withheld = []
        progress.stage("judging", len(gold.records))
        for start in range(0, len(gold.records), BATCH):
            block, abstained = judge.probabilities(gold.records[start : start + BATCH])
            blocks.append(block)
            withheld += abstained
            progress.advance(len(abstained))
        probabilities = np.vstack(blocks)
    found = measure([record.profile for record in gold.records], probabilities, PROFILES, withheld)
    return EvaluateResult(
        classifier=version,
        **figures_of(found),
        rejected=len(gold.rejected),
        reasons=gold.rejected[:20],
        **asked,
    )


def _judge(store: Store | None, options: EvaluateOptions) -> _Judge:
    labeller = BuiltinLabeller()
    if options.classifier == "builtin":
        return _Judge(f"{labeller.name}-{labeller.version}", labeller.head, None, whole=True)
    assert store is not None
    rows = (
        store.query("latest_classifier")
        if options.classifier == "latest"
        else store.query("classifier_of_version", version=options.classifier)
    )
    if rows.height != 1:
        many = (
            "several classifiers begin so" if rows.height else "the store holds no such classifier; run train"
        )
        raise ModelError(many, where=f"--classifier {options.classifier}")
    row = rows.row(0, named=True)
    if not row["arrays"]:
        return _Judge(row["version"], labeller.head, None, whole=True)
    encoder = load_encoder(row["encoder"].partition("/")[0])
    return _Judge(
        row["version"], unpack_head(json.loads(row["metadata"])["head"], row["arrays"]), encoder, whole=False
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    version: str
    head: Any
    encoder: Any
    whole: bool
    """Whether the head reads the blocks of the builtin one."""

    def probabilities(self, records: tuple[GoldRecord, ...]) -> tuple[FloatArray, list[bool]]:
        views = view_prompts([record.record for record in records])
        columns = (
            build_features(views, self.encoder, form="full")
            if self.whole
            else stored_features(views, self.encoder)
        )
        reasons = [
            NO_TEXT if not view.has_text else verdict.abstained
            for view, verdict in zip(views, predict(self.head, columns), strict=True)
        ]
        return predict_proba(self.head, columns), [bool(reason) for reason in reasons]
