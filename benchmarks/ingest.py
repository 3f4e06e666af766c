"""How fast a log becomes a store: our ingest, DuckDB's own read_json, and the two halves that no ingest can leave out.

    python benchmarks/ingest.py [--lines 1000000] [--folder DIR]

Writes realistic lines (one exchange of OpenAI's shape each, 1 to 2 KB, nested messages), then runs each way
in a process of its own and prints MB/s, rows/s, CPU seconds and the peak of resident memory over all its
processes. DuckDB is told the columns, which is its fastest way. The halves: a bare decode that stores nothing, on
one core, and a copy of the finished rows from our store into another, which is DuckDB's own share (`ours` first).
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

PROSE = (
    "invoice refund shipment policy water damage excess claim order customer please summarise compare the following"
    " contract clause between supplier and buyer which of these tickets mentions a broken screen or late parcel"
    " extract every date amount and reference number from this letter then answer in one short sentence"
)
WORDS = PROSE.split()
SYSTEMS = 200
WAYS = ("ours", "read_json", "decode", "copy")


def write_lines(path: Path, lines: int, seed: int = 7) -> None:
    """The log: conversations of one to four turns under a few hundred system prompts, some with tools."""
    random_ = random.Random(seed)

    def prose(words: int) -> str:
        return " ".join(random_.choices(WORDS, k=words))

    systems = [f"You are the {prose(3)} assistant. {prose(40)}." for _ in range(SYSTEMS)]
    tool = {
        "type": "function",
        "function": {"name": "lookup", "parameters": {"type": "object", "properties": {}}},
    }
    encode = msgspec.json.Encoder().encode
    start = 1_760_000_000
    with path.open("wb", buffering=1 << 20) as file:
        for number in range(lines):
            messages: list[dict[str, Any]] = [{"role": "system", "content": random_.choice(systems)}]
            for _ in range(random_.randrange(3)):
                messages.append({"role": "user", "content": prose(random_.randint(10, 40))})
                messages.append({"role": "assistant", "content": prose(random_.randint(10, 40))})
            messages.append({"role": "user", "content": prose(random_.randint(20, 80)) + f" #{number}"})
            request: dict[str, Any] = {"model": "gpt-4o-mini", "messages": messages, "temperature": 0.2}
            if number % 4 == 0:
                request["tools"] = [tool]
            inside, outside = random_.randint(200, 2000), random_.randint(5, 300)
            usage = {
                "prompt_tokens": inside,
                "completion_tokens": outside,
                "total_tokens": inside + outside,
                "prompt_tokens_details": {"cached_tokens": inside // 2},
            }
            answer = {"role": "assistant", "content": prose(random_.randint(5, 60))}
            record = {
                "timestamp": start + number,
                "latency_ms": random_.randint(200, 9000),
                "session_id": f"s-{number // 5}",
                "request": request,
                "response": {
                    "id": f"chatcmpl-{number:024x}",
                    "object": "chat.completion",
                    "created": start + number,
                    "model": "gpt-4o-mini-2024-07-18",
                    "choices": [{"index": 0, "message": answer, "finish_reason": "stop"}],
                    "usage": usage,
                },
            }
            file.write(encode(record) + b"\n")


def ours(path: Path, folder: Path) -> int:
    """`router-audit ingest` into a new store."""
    from router_audit.stages.ingest import ingest
    from router_audit.store import open_store

    with open_store(folder / "ours.duckdb") as store:
        return ingest(store, [str(path)]).stored


def read_json(path: Path, folder: Path) -> int:
    """DuckDB's reader with the columns given, into a table on disk."""
    import duckdb

    message = "STRUCT(role VARCHAR, content VARCHAR)"
    columns = {
        "timestamp": "BIGINT",
        "latency_ms": "DOUBLE",
        "session_id": "VARCHAR",
        "request": f"STRUCT(model VARCHAR, messages {message}[], temperature DOUBLE, tools JSON)",
        "response": f"STRUCT(id VARCHAR, object VARCHAR, created BIGINT, model VARCHAR,"
        f' choices STRUCT("index" BIGINT, message {message}, finish_reason VARCHAR)[],'
        " usage STRUCT(prompt_tokens BIGINT, completion_tokens BIGINT, total_tokens BIGINT,"
        " prompt_tokens_details STRUCT(cached_tokens BIGINT)))",
    }
    with duckdb.connect(str(folder / "theirs.duckdb")) as connection:
        # The columns cannot be bound, so they stand in the text.
        connection.execute(
            f"CREATE TABLE log AS SELECT * FROM read_json($path, format = 'newline_delimited', columns = {columns})",
            {"path": str(path)},
        )
        return int(connection.execute("SELECT count(*) FROM log").fetchall()[0][0])


class Message(msgspec.Struct):
    role: str
    content: str


class Request(msgspec.Struct):
    model: str
    messages: list[Message]


class Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int


class Choice(msgspec.Struct):
    message: Message
    finish_reason: str


class Response(msgspec.Struct):
    id: str
    model: str
    created: int
    choices: list[Choice]
    usage: Usage


class Line(msgspec.Struct):
    timestamp: int
    request: Request
    response: Response


def decode(path: Path, folder: Path) -> int:  # noqa: ARG001  one signature for all ways
    """A typed decode of every line; nothing is kept."""
    decoded = msgspec.json.Decoder(Line).decode
    count = 0
    with path.open("rb") as file:
        for line in file:
            decoded(line)
            count += 1
    return count


def copy(path: Path, folder: Path) -> int:  # noqa: ARG001  one signature for all ways
    """DuckDB alone, on all cores: the rows that `ours` made, into a store of the same kind."""
    from router_audit.store import open_store

    with open_store(folder / "copy.duckdb") as store:
        made = str(folder / "ours.duckdb")
        store.connection.execute("ATTACH $made AS made (READ_ONLY)", {"made": made})
        store.connection.execute("INSERT INTO requests BY NAME SELECT * FROM made.requests")
        return int(store.connection.execute("SELECT count(*) FROM requests").fetchall()[0][0])


@dataclass
class Measured:
    """One way's figures."""

    way: str
    seconds: float
    cpu_s: float
    peak_mb: float
    rows: int
    size_mb: float

    def cells(self) -> list[str]:
        """As a row of the table."""
        return [
            self.way,
            f"{self.size_mb / self.seconds:,.0f}",
            f"{self.rows / self.seconds:,.0f}",
            f"{self.cpu_s:,.1f}",
            f"{self.peak_mb:,.0f}",
            f"{self.seconds:,.1f}",
        ]


def _tree_mb(pid: int) -> float:
    """Resident memory of a process and its descendants; pages that they share count once for each."""
    total, waiting = 0, [pid]
    page = os.sysconf("SC_PAGE_SIZE")
    while waiting:
        one = waiting.pop()
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * page
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, IndexError):
            continue
    return total / 1e6


def measure(way: str, path: Path, folder: Path) -> Measured:
    """Run one way in a fresh process and watch it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, __file__, "--way", way, "--path", str(path), "--folder", str(folder)],
        stdout=subprocess.PIPE,
    )
    peak = 0.0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, _tree_mb(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{way} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(way, seconds, cpu, peak, int(out), path.stat().st_size / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument(
        "--folder", type=Path, help="where the log and the stores are written (default: a temporary one)"
    )
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(globals()[arguments.way](arguments.path, arguments.folder))
        return
    header = ["way", "MB/s", "rows/s", "CPU s", "peak MB", "s"]
    for lines in arguments.lines:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
            folder = Path(name)
            path = folder / "log.jsonl"
            write_lines(path, lines)
            print(f"\n{lines:,} lines, {path.stat().st_size / 1e6:,.0f} MB\n")
            print("| " + " | ".join(header) + " |")
            print("|---" + "|---:" * (len(header) - 1) + "|")
            for way in arguments.ways:
                print("| " + " | ".join(measure(way, path, folder).cells()) + " |", flush=True)


if __name__ == "__main__":
    main()
