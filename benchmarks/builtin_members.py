"""Compare sets of members of the builtin head on sources they have not seen, and write what its model card shows of it.

    python -m benchmarks.builtin_members benchmarks/builtin_corpus ROWS.jsonl.gz --encoder minilm --own-requests 2

Every member is fitted once a training set; a set of members is the mean of what they say. `--own-requests` bounds what
the member over sentence vectors learns from each of our own tasks: a forward pass of an encoder costs about 50 ms.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.builtin_labeller import MEMBERS, held_back
from router_audit.builtin.corpus import OWN_SOURCE, PROFILES, LabelledPrompt, is_trainable
from router_audit.builtin.features import WORDS, view_prompts
from router_audit.builtin.training import (
    FLOOR_WORDS,
    RIDGE_WORDS,
    TrainingSet,
    featurise,
    fit_head,
    fit_wording,
    load_corpus,
    public_sources,
    row_weights,
    subset,
)
from router_audit.classifier.fit import fit_linear, raw_log_probabilities
from router_audit.classifier.head import Head, Member
from router_audit.classifier.report import evaluate
from router_audit.embedding import Encoder, load_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    Opinions = dict[str, FloatArray]
    """(n, classes) log-probabilities by member."""

RIDGE_SENTENCE = 1e-2
SHARES = {"structure and likeness": 2.0, "words": 1.0, "sentence": 1.0}
SETS: tuple[tuple[str, ...], ...] = (
    ("structure and likeness",),
    ("structure and likeness", "sentence"),
    ("structure and likeness", "sentence", "words"),
    ("structure and likeness", "words"),
)


def splits(rows: Sequence[LabelledPrompt], protocol: str) -> Iterator[tuple[list[int], list[int]]]:
    """Yield (rows to fit on, rows to predict) of "alone" (our own corpus), "back" (without the sources held back) or "one out"."""
    numbers = range(len(rows))
    public = [i for i in numbers if rows[i].licence != OWN_SOURCE]
    trainable = [i for i in numbers if is_trainable(rows[i])]
    if protocol == "alone":
        yield [i for i in numbers if rows[i].licence == OWN_SOURCE], public
    elif protocol == "back":
        left = [i for i in public if held_back(rows[i].source)]
        gone = set(left)
        yield [i for i in trainable if i not in gone], left
    else:
        for source in public_sources(rows):
            left = [i for i in public if rows[i].source == source]
            yield [i for i in trainable if rows[i].source != source], left


def opinions(
    everything: TrainingSet, sentences: FloatArray | None, of_sentences: set[int], protocol: str
) -> Opinions:
    """Return what each member says of every row under a protocol; rows it does not predict are zero."""
    rows = everything.rows
    wording = fit_wording(everything)
    names = [name for name in SHARES if name != "sentence" or sentences is not None]
    said: Opinions = {name: np.zeros((len(rows), len(PROFILES)), dtype=np.float32) for name in names}
    for kept, left in splits(rows, protocol):
        seen = subset(everything, kept)
        *before, _ = fit_head(seen, wording).members
        words = fit_linear(
            seen.features,
            seen.labels,
            PROFILES,
            row_weights(seen.rows),
            WORDS,
            RIDGE_WORDS,
            FLOOR_WORDS,
            sparse=True,
        )
        shown = everything.features[np.array(left)]
        said["structure and likeness"][left] = raw_log_probabilities(Head(PROFILES, tuple(before)), shown)
        said["words"][left] = raw_log_probabilities(Head(PROFILES, (words,)), shown)
        if sentences is not None:
            fewer = [i for i in kept if i in of_sentences]
            said["sentence"][left] = raw_log_probabilities(
                Head(PROFILES, (sentence_member(rows, sentences, fewer),)), sentences[np.array(left)]
            )
    return said


def sentence_member(rows: Sequence[LabelledPrompt], sentences: FloatArray, kept: Sequence[int]) -> Member:
    """Fit logistic regression over the sentence vectors (n, d) of the rows `kept`."""
    chosen = [rows[i] for i in kept]
    labels = [row.profile for row in chosen]
    return fit_linear(sentences[np.array(kept)], labels, PROFILES, row_weights(chosen), ridge=RIDGE_SENTENCE)


def few_of_each_task(rows: Sequence[LabelledPrompt], most: int) -> set[int]:
    """Return the public rows and the first `most` rows of each of our own tasks."""
    seen: Counter[tuple[str, str]] = Counter()
    kept = set()
    for index, row in enumerate(rows):
        if row.licence == OWN_SOURCE:
            seen[row.profile, row.task] += 1
        if row.licence != OWN_SOURCE or seen[row.profile, row.task] <= most:
            kept.add(index)
    return kept


def sentence_vectors(rows: Sequence[LabelledPrompt], encoder: Encoder, needed: set[int]) -> FloatArray:
    """Return (n, d) vectors of the instructions; rows that are not needed are zero."""
    views = view_prompts([row.record for row in rows])
    texts = sorted({views[i].instruction for i in needed})
    place = {text: number for number, text in enumerate(texts)}
    vectors = encoder.encode(texts)
    found = np.zeros((len(rows), vectors.shape[1]), dtype=np.float32)
    for index in needed:
        found[index] = vectors[place[views[index].instruction]]
    return found


def compared(rows: Sequence[LabelledPrompt], by_protocol: dict[str, Opinions]) -> list[dict[str, object]]:
    """Return one line for each set of members: macro-F1 by training and measured rows, as the card names them."""
    public = [i for i, row in enumerate(rows) if row.licence != OWN_SOURCE]
    back = [i for i in public if held_back(rows[i].source)]
    licensed = [i for i in public if is_trainable(rows[i])]
    lines = []
    for members in SETS:
        if any(member not in by_protocol["alone"] for member in members):
            continue
        line: dict[str, object] = {"members": list(members)}
        for name, protocol, shown in (
            ("alone_all", "alone", public), ("alone_back", "alone", back), ("one_out_all", "one out", public),
            ("one_out_licensed", "one out", licensed), ("back", "back", back),
        ):  # fmt: skip
            total = sum(SHARES[member] for member in members)
            logs = sum(SHARES[member] / total * by_protocol[protocol][member][shown] for member in members)
            shares = np.exp(logs)
            shares /= shares.sum(axis=1, keepdims=True)
            line[name] = round(evaluate([rows[i].profile for i in shown], shares, PROFILES).macro_f1, 4)
        lines.append(line)
    return lines


def main() -> None:
    """Parse the arguments, measure, and write the file that the card reads."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--encoder", help="measure a member over its sentence vectors too")
    parser.add_argument(
        "--own-requests", type=int, default=1000, help="of each of our own tasks, for that member"
    )
    options = parser.parse_args()
    everything = featurise(load_corpus(options.corpus))
    few = few_of_each_task(everything.rows, options.own_requests)
    vectors = (
        sentence_vectors(everything.rows, load_encoder(options.encoder), few) if options.encoder else None
    )
    found = compared(
        everything.rows,
        {name: opinions(everything, vectors, few, name) for name in ("alone", "one out", "back")},
    )
    MEMBERS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
