"""What the model card of the builtin labeller says beside its figures on unseen sources."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from router_audit.builtin.corpus import OWN_SOURCE, PROFILES, is_trainable
from router_audit.classifier.head import load_head
from router_audit.classifier.report import evaluate
from router_audit.labellers.builtin import HEAD_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router_audit.builtin.training import TrainingSet
    from router_audit.labellers.builtin import BuiltinLabeller

WEAK = """
- Unseen sources stay harder than unseen rows: see the spread between sources above. A source of one template stands or falls as a whole.
- A question about a property of a text with lettered options is taken for an exam question where nothing names the property as a label.
- A single function call that follows its function's JSON, without a system message, is often taken for something else.
- The one template of teacherpeterpan/Logic-LLM (is a statement true, false or unknown, given premises?) is mostly taken for classification. Others of its kind may fare so.
- Questions of general knowledge that a reader may call reasoning or plain look-up, and true-or-false questions over rules, are contested between reasoning and classification, in the data as in the head.
- A bare request without tools or system message ("find me a hotel and book it") is told from advice by its wording alone.
- A long system message shared by many turns, with words of other kinds of work in it, misleads it: see tag.py in benchmarks/RESULTS.md.
- The cue words cover about a dozen languages, English far the best. MiniLM and its token table were made for English: in other scripts it reads single characters.
- Public rows were labelled by the datasets' purpose; 3 to 6% are disputable.
- The corpus of our own was written by few hands, half of it by some who knew the public sources.
"""
PROMPTS_A_SET = 80


def trained_on(paths: Sequence[Path], everything: TrainingSet) -> str:
    """The Markdown of provenance and licences."""
    head = load_head(HEAD_FOLDER)
    licences = {
        row.source: row.licence for row in everything.rows if is_trainable(row) and row.licence != OWN_SOURCE
    }
    own = [row for row in everything.rows if row.licence == OWN_SOURCE]
    kinds = Counter(dict.fromkeys(PROFILES, 0))
    for _, profile in {(row.task, row.profile) for row in own}:
        kinds[profile] += 1
    shown = [
        "# The builtin labeller's head",
        "",
        f"Version {head.version}, text recipe {head.about['recipe']}, {sum(p.stat().st_size for p in HEAD_FOLDER.glob('head.*')) / 1e6:.1f} MB of numbers (`head.json`, `head.npz`; no pickle, no text).",
        "Written by `python -m benchmarks.builtin_labeller " + " ".join(path.name for path in paths) + " --train --card`; `router-audit train --builtin` with the same files gives the same bytes.",
        "",
        "It tells which of four kinds of work a request asks for. Three opinions are averaged: of logistic regression and a network of one hidden layer over the structure features and cue words of the text recipe; of the instructions of our own corpus that read alike, as weighted means of MiniLM's token vectors; and of the sentences of our own corpus that order alike, as MiniLM reads them. The one forward pass is of one sentence, and each sentence is read once. The light form, for a decision that has no time for it, goes by the instruction's words and word pairs in its place, hashed into 4,096 columns.",
        f"It withholds its verdict below a probability of {head.minimum_probability}.",
        "",
        "## What it was trained on",
        "",
        f"- **Our own corpus**: {len({row.task for row in own}):,} tasks ({', '.join(f'{name} {count}' for name, count in kinds.items())}), expanded to {len(own):,} requests. All text written for this project; Apache-2.0, like the code. The members that go by wording learn from it alone.",
        "- **Public rows whose licence permits it** (the two members over structure saw them):",
        "",
        "| source | licence | rows |",
        "| --- | --- | --- |",
    ]  # fmt: skip
    shown += [
        f"| {source} | {licences[source]} | {head.about['sources'][source]} |" for source in sorted(licences)
    ]
    left = sorted({row.source for row in everything.rows if not is_trainable(row)})
    shown += ["", f"Measured on, never trained on, for want of a licence: {', '.join(left)}."]
    return "\n".join(shown)


def known_outcomes(path: Path, labeller: BuiltinLabeller) -> str:
    """The Markdown of the shipped head's verdicts on prompts of the per-model outcomes, by the profile stated there."""
    import polars as pl

    prompts = (
        pl.scan_parquet(path)
        .select(pl.col("dataset", "profile_hint", "prompt").cast(pl.String))
        .drop_nulls()
        .unique()
        .sort("dataset", "prompt")
        .collect()
    )
    lines = ["| set | stated | right of | taken for |", "| --- | --- | --- | --- |"]
    stated: list[str] = []
    said: list[str] = []
    for rows in prompts.partition_by("dataset", maintain_order=True):
        chosen = rows.sample(min(rows.height, PROMPTS_A_SET), seed=1)
        told = [one.profile for one in labeller.label([{"prompt": text} for text in chosen["prompt"]])]
        profile = chosen["profile_hint"][0]
        wrong = Counter(one for one in told if one != profile).most_common()
        lines.append(
            f"| {chosen['dataset'][0]} | {profile} | {told.count(profile)} of {len(told)} "
            f"| {', '.join(f'{name} {count}' for name, count in wrong)} |"
        )
        stated += [profile] * len(told)
        said += told
    likeliest = np.array([[float(name == one) for name in PROFILES] for one in said])
    return "\n".join([
        "## Prompts with known outcomes",
        "",
        (f"Up to {PROMPTS_A_SET} prompts of each set of public per-model outcomes, by the work that the set states; none was "
        f"trained on, though a few sets stem from a source that was. Macro-F1 {evaluate(stated, likeliest, PROFILES).macro_f1:.3f}."),
        "",
        *lines,
    ])  # fmt: skip


def odd_cases(path: Path, labeller: BuiltinLabeller) -> str:
    """The Markdown of how often the labels of the probe file are acceptable, by kind."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    verdicts = labeller.label(
        [{key: row[key] for key in ("system", "prompt") if row.get(key)} for row in rows]
    )
    said: dict[str, Counter[str]] = defaultdict(Counter)
    fine: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for row, verdict in zip(rows, verdicts, strict=True):
        said[row["kind"]][verdict.abstained or verdict.profile] += 1
        if row["acceptable_profiles"] or row["not_profiles"]:
            asked[row["kind"]] += 1
            allowed = row["acceptable_profiles"] or [
                profile for profile in PROFILES if profile not in row["not_profiles"]
            ]
            fine[row["kind"]] += verdict.profile in allowed or bool(verdict.abstained)
    shown = ["## Odd cases", "", "| kind | acceptable | labels given |", "| --- | --- | --- |"]
    shown += [
        f"| {kind} | {fine[kind]} of {asked[kind]} | {', '.join(f'{name} {count}' for name, count in said[kind].most_common())} |"
        for kind in sorted(said)
    ]
    return "\n".join(shown)
