"""Read a corpus folder (our TOML tasks, labelled JSONL rows) and expand it into labelled prompt records."""

from __future__ import annotations

import gzip
import json
import random
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PROFILES: tuple[str, ...] = ("classification", "extraction", "reasoning", "coordination")
TRAINABLE_LICENCES = frozenset(
    {"MIT", "Apache-2.0", "CC0", "CC0-1.0", "CC BY", "CC-BY-4.0", "CC BY 4.0", "own"}
)
OWN_SOURCE = "own"
MIN_RECORDS, MAX_RECORDS = 6, 24

LAYOUTS: tuple[tuple[float, str, str], ...] = (
    # weight, system, prompt: every profile draws from the same list, so that no layout tells the label.
    (3.0, "{system}", "{instruction}\n\n{input}"),
    (1.5, "{system}", "{input}\n\n{instruction}"),
    (1.0, "{system}", "{instruction}\n{input}"),
    (0.8, "{system}", "{input}\n{instruction}"),
    (0.8, "{system}", "{instruction} {input}"),
    (1.8, "{system}\n\n{instruction}", "{input}"),
    (1.2, "{instruction}", "{input}"),
    (0.8, "{system}", "{instruction}\n\nInput: {input}\nOutput:"),
    (0.4, "{system}", "Task: {instruction}\n\nInput:\n{input}\n\nAnswer:"),
    (0.4, "{system}", "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"),
    (0.3, "{system}", "Question: {instruction}\n{input}\nAnswer:"),
    (0.3, "{system}", "{input}\nQuestion: {instruction}\nAnswer:"),
    (0.3, "{system}", "Q: {input} {instruction}\nA:"),
    (0.3, "{system}", "{instruction}\n\n```\n{input}\n```"),
    (0.3, "{system}", "{instruction}\n\n<input>\n{input}\n</input>"),
    (0.3, "{system}", '{instruction}\n"""\n{input}\n"""'),
    (0.3, "{system}", "# Instructions\n{instruction}\n\n# Data\n{input}"),
    (0.2, "{system}", "Context: {input}\n\n{instruction}"),
    (0.2, "{system}", "{instruction}\nText: {input}"),
    (0.2, "", "{system}\n\n{instruction}\n\n{input}"),
)
SLOT_LAYOUTS: tuple[tuple[float, str, str], ...] = (
    (4.0, "{system}", "{filled}"),
    (0.7, "", "{system}\n\n{filled}"),
    (0.4, "{system}", "{filled}\nAnswer:"),
)
BARE_LAYOUTS: tuple[tuple[float, str, str], ...] = (
    (5.0, "{system}", "{input}"),
    (0.7, "", "{system}\n\n{input}"),
    (0.4, "{system}", "Q: {input}\nA:"),
    (0.3, "{system}", "Input: {input}\nOutput:"),
    (0.3, "{system}", "User: {input}"),
)
STRAY_TOOLS: tuple[tuple[str, ...], ...] = (
    # Tools and formats ride along on requests that do not need them, so their presence alone must not decide.
    ("submit_result",), ("record_answer",), ("search",), ("web_search", "calculator"), ("save_output",), ("lookup_customer", "send_reply"),
)  # fmt: skip
EXAMPLE_LAYOUTS: tuple[tuple[str, str], ...] = (
    ("Input: {0}\nOutput: {1}", "Input: {input}\nOutput:"),
    ("Q: {0}\nA: {1}", "Q: {input}\nA:"),
    ("{0} => {1}", "{input} =>"),
    ("Example -\nInput: {0}\nOutput: {1}", "Now yours -\nInput: {input}\nOutput:"),
    ("Text: {0}\nAnswer: {1}", "Text: {input}\nAnswer:"),
)


@dataclass(frozen=True)
class LabelledPrompt:
    """One labelled request: the record for the recipe, its profile, and the groups it must be split by."""

    record: Mapping[str, object]
    profile: str
    source: str
    task: str
    licence: str


@dataclass(frozen=True)
class CorpusTask:
    """One task of our own corpus as written in TOML."""

    name: str
    profile: str
    file: str
    systems: tuple[str, ...]
    instructions: tuple[str, ...]
    inputs: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]
    response_format: str
    tools: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]
    """Earlier (role, text) turns that the last user turn answers."""


def read_tasks(folder: Path) -> list[CorpusTask]:
    """Read every *.toml below `folder` in name order; a malformed file is a UserError naming it."""
    tasks: list[CorpusTask] = []
    for path in sorted(folder.rglob("*.toml")):
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
            tasks.extend(
                _task(table, f"{path.parent.name}/{path.name}") for table in document.get("task", [])
            )
        except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}: not a corpus file: {error}") from error
    return tasks


def _task(table: Mapping[str, object], file: str) -> CorpusTask:
    def texts(key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)

    profile = str(table["profile"])
    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}")
    raw_examples = table.get("examples", [])
    examples = (
        tuple((str(pair[0]), str(pair[1])) for pair in raw_examples if len(pair) == 2)
        if isinstance(raw_examples, list)
        else ()
    )
    raw_turns = table.get("turns", [])
    turns = tuple((str(role), str(text)) for role, text in raw_turns) if isinstance(raw_turns, list) else ()
    response_format = str(table.get("response_format", ""))
    return CorpusTask(
        name=str(table["name"]), profile=profile, file=file, systems=texts("systems") or ("",), instructions=texts("instructions") or ("",),
        inputs=texts("inputs"), examples=examples, response_format=response_format, tools=texts("tools"), turns=turns,
    )  # fmt: skip


def expand(task: CorpusTask, per_instruction: int, seed: int) -> list[LabelledPrompt]:
    """Draw distinct records of one task, more for a task with many wordings; the draw depends on its name and `seed` alone."""
    count = max(
        MIN_RECORDS, min(MAX_RECORDS, per_instruction * max(len(task.instructions), len(task.inputs) // 2))
    )
    rng = random.Random(f"{seed}:{task.profile}:{task.name}")
    records: list[LabelledPrompt] = []
    seen: set[tuple[str, str]] = set()
    for _ in range(count * 3):
        record = _draw(task, rng)
        key = (str(record.get("system", "")), str(record.get("prompt", record.get("messages"))))
        if key in seen or not key[1].strip():
            continue
        seen.add(key)
        records.append(LabelledPrompt(record, task.profile, f"{OWN_SOURCE}:{task.file}", task.name, "own"))
        if len(records) == count:
            break
    return records


def _draw(task: CorpusTask, rng: random.Random) -> dict[str, object]:
    system = rng.choice(task.systems)
    instruction = rng.choice(task.instructions).strip()
    payload = rng.choice(task.inputs).strip() if task.inputs else ""
    shots = ""
    if task.examples and rng.random() < 0.4 and "{input}" not in instruction:
        shown, query = rng.choice(EXAMPLE_LAYOUTS)
        pairs = rng.sample(task.examples, k=min(len(task.examples), rng.randint(1, 3)))
        shots = "\n\n".join(shown.format(*pair) for pair in pairs)
        parts = {
            "system": system,
            "prompt": f"{instruction}\n\n{shots}\n\n{query.replace('{input}', payload)}".strip(),
        }
    else:
        if "{input}" in instruction:
            layouts, filled = SLOT_LAYOUTS, instruction.replace("{input}", payload)
        elif instruction:
            layouts, filled = LAYOUTS, ""
        else:
            layouts, filled = BARE_LAYOUTS, ""
        _, system_layout, prompt_layout = rng.choices(layouts, weights=[layout[0] for layout in layouts])[0]
        values = {"system": system, "instruction": instruction, "input": payload, "filled": filled}
        parts = {"system": _fill(system_layout, values), "prompt": _fill(prompt_layout, values)}
    record: dict[str, object] = {"system": parts["system"].strip(), "prompt": parts["prompt"].strip()}
    if task.tools and rng.random() < 0.6:
        record["tools"] = list(task.tools)
    elif rng.random() < 0.05:
        record["tools"] = list(rng.choice(STRAY_TOOLS))
    if task.response_format and rng.random() < 0.6:
        record["response_format"] = task.response_format
    elif rng.random() < 0.07:
        record["response_format"] = rng.choice(("json_object", "json_schema", "text"))
    if task.turns and rng.random() < 0.6:
        _add_turns(record, task.turns, str(record["prompt"]), rng)
    return record


def _fill(layout: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        layout = layout.replace("{" + name + "}", value) if f"{{{name}}}" in layout else layout
    return layout.strip()


def _add_turns(
    record: dict[str, object], turns: Sequence[tuple[str, str]], prompt: str, rng: random.Random
) -> None:
    """Put earlier turns before the prompt, as messages or written out."""
    said = [*turns, ("user", prompt)]
    if rng.random() < 0.5:
        record["messages"] = [{"role": role, "content": text} for role, text in said]
        del record["prompt"]
    else:
        record["prompt"] = "\n".join(f"{role}: {text}" for role, text in said)


def read_rows(path: Path) -> Iterator[LabelledPrompt]:
    """Yield the labelled rows of a *.jsonl or *.jsonl.gz file, or of every such file directly in a folder, in file order."""
    files = [path] if path.is_file() else sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")])
    for file in files:
        opener = gzip.open if file.suffix == ".gz" else open
        with opener(file, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise UserError(f"{file}:{number}: not JSON: {error}") from error
                if not isinstance(row, dict) or row.get("profile") not in PROFILES:
                    continue
                yield LabelledPrompt(
                    record={
                        key: row[key]
                        for key in ("system", "prompt", "messages", "tools", "response_format")
                        if row.get(key) is not None
                    },
                    profile=str(row["profile"]),
                    source=str(row.get("source") or file.name),
                    task=str(row.get("task_name") or row.get("source") or file.name),
                    licence=str(row.get("repo_licence") or "none"),
                )


def is_trainable(row: LabelledPrompt) -> bool:
    """Tell whether the row's licence lets numbers trained on it be published."""
    return row.licence in TRAINABLE_LICENCES
