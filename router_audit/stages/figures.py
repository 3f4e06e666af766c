"""How good a classifier is, under the keys that scripts rely on."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_audit.classifier.report import Evaluation, ProfileReport


def figures_of(found: Evaluation) -> dict[str, Any]:
    """The keys that scripts rely on, and the risk at each coverage."""
    return {
        "n": found.n,
        "macro_f1": round(found.macro_f1, 6),
        "per_profile": {name: _of_profile(report) for name, report in found.per_profile.items()},
        "confusion": found.confusion,
        "brier": round(found.brier, 6),
        "ece": round(found.ece, 6),
        "abstained": found.abstained,
        "risk_coverage": [[share, round(risk, 6)] for share, risk in found.risk_coverage],
    }


def _of_profile(report: ProfileReport) -> dict[str, float]:
    if not report.support:
        return {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    shown = {"f1": round(report.f1, 6), "support": report.support}
    for name, rate in (("precision", report.precision), ("recall", report.recall)):
        values = {key: 0.0 if value != value else round(value, 6) for key, value in asdict(rate).items()}  # noqa: PLR0124
        shown |= {name: values["value"], f"{name}_low": values["low"], f"{name}_high": values["high"]}
    return shown
