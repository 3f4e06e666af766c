"""How fast `tag` is end to end, beside plain `SentenceTransformer.encode`: `python -m benchmarks.tag`.

The traffic is `tag_traffic`'s, its distribution fixed beforehand and none of its tasks trained on. Per size, each in
a process of its own so that peak RSS is its own:

- `tag`: the stage as the command runs it, weights loaded and the store written, over an ingested log.
- `plain`: `SentenceTransformer.encode` with its defaults over the whole prompts, one a request, weights loaded
  beforehand. A rate does not grow with the count, so at most `--plain` requests drawn at random are encoded.

Two macro-F1, over requests of the same random draw, abstentions counting as errors:

- `labels`: of the labels that `tag` stored, the builtin head's, which was trained on none of these tasks.
- `trained`: of a classifier that learns from such requests, five-fold, no deployment in two folds: over the vectors
  that `tag` stored, or over those that `SentenceTransformer.encode` made.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.tag_traffic import requests, write_log

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.tag_traffic import Asked

SIZES = (1_000, 100_000)
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """One way of labelling, measured."""

    seconds: float
    cpu_seconds: float
    requests: int
    peak_mib: float
    trained_f1: float
    labels_f1: float | None = None

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds a request: what a busy machine does not blur."""
        return self.cpu_seconds / self.requests * 1e3


def macro_f1(said: list[str | None], true: list[str]) -> float:
    """Mean F1 over the profiles; None is an abstention and so an error."""
    scores = []
    for profile in sorted(set(true)):
        hits = sum(one == two == profile for one, two in zip(said, true, strict=True))
        told, real = said.count(profile), true.count(profile)
        scores.append(2 * hits / (told + real) if told + real else 0.0)
    return statistics.mean(scores)


def trained_f1(vectors: NDArray[np.float32], asked: list[Asked]) -> float:
    """Macro-F1 of logistic regression over `vectors` (n, d), each deployment judged by one that has not seen it."""
    import numpy as np

    from router_audit.classifier.fit import fit_linear, predict_proba
    from router_audit.classifier.head import Head
    from router_audit.types import PROFILES

    true = [one.profile for one in asked]
    folds = np.array([random.Random(one.deployment).randrange(FOLDS) for one in asked])
    said: list[str | None] = [None] * len(asked)
    for fold in range(FOLDS):
        kept, left = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        member = fit_linear(vectors[kept], [true[row] for row in kept], PROFILES)
        best = predict_proba(Head(PROFILES, (member,)), vectors[left]).argmax(axis=1)
        for row, index in zip(left, best, strict=True):
            said[row] = PROFILES[index]
    return macro_f1(said, true)


def clocked(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What `work` returns, its wall-clock seconds, and its CPU seconds over all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def peak_mib() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ingested(folder: Path, count: int) -> None:
    """A store that holds the traffic."""
    from router_audit.stages.ingest import IngestOptions, ingest
    from router_audit.store import open_store
    from router_audit.types.progress import Unwatched

    log = folder / "log.jsonl"
    write_log(log, count)
    with open_store(folder / "audit.duckdb") as store:
        result = ingest(store, [str(log)], IngestOptions(), Unwatched())
    if result.stored != count:
        raise SystemExit(f"{result.stored} of {count} requests were stored")
    log.unlink()


def tagged(folder: Path, count: int, sample: list[int]) -> Figures:
    """The stage `tag` over the store."""
    import numpy as np

    from router_audit.stages.tag import TagOptions, tag
    from router_audit.store import open_store
    from router_audit.types.progress import Unwatched

    with open_store(folder / "audit.duckdb") as store:
        _, seconds, cpu_seconds = clocked(lambda: tag(store, TagOptions(), Unwatched()))
        peak = peak_mib()
        rows = store.connection.execute(
            "SELECT r.response_id, l.profile, e.vector FROM requests r"
            " JOIN labels l USING (content_hash) JOIN embeddings e USING (content_hash)"
            " WHERE r.response_id IN (SELECT 'chatcmpl-' || unnest($sample::BIGINT[]))",
            {"sample": sample},
        ).fetchall()
    labels = {key: profile for key, profile, _ in rows}
    vectors = {key: vector for key, _, vector in rows}
    asked = drawn(count, sample)
    keys = [f"chatcmpl-{number}" for number in sample]
    trained = trained_f1(np.array([vectors[key] for key in keys], dtype=np.float32), asked)
    said = macro_f1([labels[key] for key in keys], [one.profile for one in asked])
    return Figures(seconds, cpu_seconds, count, peak, trained, said)


def drawn(count: int, sample: list[int]) -> list[Asked]:
    """The requests with these numbers."""
    chosen = set(sample)
    return [one for number, one in enumerate(requests(count)) if number in chosen]


def plain(_: Path, count: int, sample: list[int]) -> Figures:
    """`SentenceTransformer.encode` over whole prompts."""
    from sentence_transformers import SentenceTransformer

    from router_audit.embedding import minilm_folder

    asked = drawn(count, sample)
    model = SentenceTransformer(str(minilm_folder()), device="cpu")
    model.encode(["warm up"] * 8)
    vectors, seconds, cpu_seconds = clocked(
        lambda: model.encode([one.text for one in asked], show_progress_bar=False)
    )
    return Figures(seconds, cpu_seconds, len(asked), peak_mib(), trained_f1(vectors, asked))


def apart(work: Callable[..., Any], *given: Any) -> Any:
    """`work` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def line(count: int, name: str, found: Figures, against: Figures) -> str:
    """One row of the table."""
    faster = found.rate / against.rate
    labels = "-" if found.labels_f1 is None else f"{found.labels_f1:.3f}"
    lighter = against.cpu_ms / found.cpu_ms
    return (
        f"| {count:,} | {name} | {found.requests:,} | {found.rate:,.0f} | {faster:.1f} | {found.cpu_ms:.2f} "
        f"| {lighter:.1f} | {found.peak_mib:,.0f} | {found.trained_f1:.3f} | {labels} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--plain", type=int, default=1_000, help="requests that are encoded plainly")
    options = parser.parse_args()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    print(
        "| requests | way | of them | requests/s | times | CPU ms a request | times | peak MiB | F1 trained | F1 labels |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for count in options.sizes:
        sample = sorted(random.Random(count).sample(range(count), min(count, options.plain)))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            apart(ingested, folder, count)
            against = apart(plain, folder, count, sample)
            found = apart(tagged, folder, count, sample)
        for label, figures in (("SentenceTransformer.encode", against), ("tag", found)):
            print(line(count, label, figures, against), flush=True)


if __name__ == "__main__":
    main()
