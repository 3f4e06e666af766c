"""How fast `tag` is end to end, beside plain `SentenceTransformer.encode`: `python -m benchmarks.tag`.

The traffic is `tag_traffic`'s, its distribution fixed beforehand and none of its tasks trained on. Per size, each in
a process of its own so that peak RSS is its own:

- `tag`: the stage as the command runs it, weights loaded and the store written, over an ingested log.
- `plain`: `SentenceTransformer.encode` with its defaults over the whole prompts, one a request, weights loaded
  beforehand. A rate does not grow with the count, so at most `--plain` requests drawn at random are encoded.

Macro-F1 is over requests of the same random draw: of the labels that `tag` stored, and of the same head over vectors
that sentence-transformers makes of the recipe's text of every request, nothing collapsed, cached or cut short.
Abstentions count as errors.
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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.tag_traffic import requests, write_log

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (1_000, 100_000)


@dataclass(frozen=True, slots=True)
class Figures:
    """One way of labelling, measured."""

    seconds: float
    cpu_seconds: float
    requests: int
    peak_mib: float
    macro_f1: float

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
    from router_audit.stages.tag import TagOptions, tag
    from router_audit.store import open_store
    from router_audit.types.progress import Unwatched

    with open_store(folder / "audit.duckdb") as store:
        _, seconds, cpu_seconds = clocked(lambda: tag(store, TagOptions(), Unwatched()))
        peak = peak_mib()
        labels = dict(
            store.connection.execute(
                "SELECT r.request_id, l.profile FROM requests r JOIN labels l USING (content_hash)"
            ).fetchall()
        )
    true = {number: asked.profile for number, asked in enumerate(requests(count)) if number in set(sample)}
    found = {key.rpartition("-")[2]: profile for key, profile in labels.items()}
    said = [found[str(number)] for number in true]
    return Figures(seconds, cpu_seconds, count, peak, macro_f1(said, list(true.values())))


def plain(_: Path, count: int, sample: list[int]) -> Figures:
    """`SentenceTransformer.encode` over whole prompts; the macro-F1 of the head over such vectors of the recipe's text."""
    from sentence_transformers import SentenceTransformer

    from router_audit.embedding import TorchEncoder, minilm_folder
    from router_audit.labellers.builtin import BuiltinLabeller

    chosen = set(sample)
    asked = [one for number, one in enumerate(requests(count)) if number in chosen]
    model = SentenceTransformer(str(minilm_folder()), device="cpu")
    model.encode(["warm up"] * 8)
    _, seconds, cpu_seconds = clocked(
        lambda: model.encode([one.text for one in asked], show_progress_bar=False)
    )
    peak = peak_mib()
    verdicts = BuiltinLabeller(TorchEncoder(str(minilm_folder()), "minilm-torch")).label(
        [one.record for one in asked]
    )
    said = [None if verdict.abstained else verdict.profile for verdict in verdicts]
    return Figures(seconds, cpu_seconds, len(asked), peak, macro_f1(said, [one.profile for one in asked]))


def apart(work: Callable[..., Any], *given: Any) -> Any:
    """`work` in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, given)


def line(count: int, name: str, found: Figures, against: Figures) -> str:
    """One row of the table."""
    faster = found.rate / against.rate
    lighter = against.cpu_ms / found.cpu_ms
    return (
        f"| {count:,} | {name} | {found.requests:,} | {found.rate:,.0f} | {faster:.1f} | {found.cpu_ms:.2f} "
        f"| {lighter:.1f} | {found.peak_mib:,.0f} | {found.macro_f1:.3f} |"
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
        "| requests | way | of them | requests/s | times | CPU ms a request | times | peak MiB | macro-F1 |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
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
