"""The README of the sample logs, with the counts of what was really written."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .calls import PROFILES, SEED

if TYPE_CHECKING:
    from .generate import Logs

ABOUT = {
    "support-gateway": "LiteLLM `StandardLoggingPayload` rows of the gateway that the support and claims teams share "
    "(gzip). Failed attempts before the retry that worked; `response_cost` 0.0 where the model "
    "`harbour-llama-70b` has no price. Outcomes in `metadata.spend_logs_metadata.resolved`, "
    "`metadata.requester_metadata.resolved` or `.feedback.score`.",
    "api-pairs/openai-chat": "OpenAI Chat Completions, request and response of each call; some streamed. Outcomes "
    "in the request's `metadata.outcome`.",
    "api-pairs/openai-responses": "OpenAI Responses API pairs.",
    "api-pairs/anthropic": "Anthropic Messages pairs (zstd), with prompt-cache reads and writes; some streamed. "
    "No outcomes: that API has no place for them.",
    "otel": "OpenTelemetry GenAI spans, OTLP/JSON, one exporter batch a line. Outcomes as "
    "`gen_ai.evaluation.result` events. The last batches repeat ten requests of the LiteLLM file.",
    "claude-code": "Coding-agent transcripts, one file a session and one file of a subagent. Each API reply is "
    "spread over a line per content block, all with the same `message.id`.",
}


def group(file: str) -> str:
    return next(key for key in ABOUT if file.startswith(key))


def readme(logs: Logs) -> str:
    counts = Counter((group(r.file), r.profile) for r in logs.requests)
    huge = Counter(group(r.file) for r in logs.requests if r.huge)
    rows = []
    for key in ABOUT:
        cells = [counts[key, p] for p in PROFILES]
        rows.append(f"| {key} | {sum(cells)} | " + " | ".join(map(str, cells)) + f" | {huge[key]} |")
    total = [sum(counts[key, p] for key in ABOUT) for p in PROFILES]
    rows.append(f"| all | {sum(total)} | " + " | ".join(map(str, total)) + f" | {sum(huge.values())} |")
    broken = "\n".join(f"| `{file}` | {line} | {what} |" for file, line, what, _ in logs.notes)
    about = "\n".join(f"- `{key}…`: {text}" for key, text in ABOUT.items())
    copied = "\n".join(f"- `{own}`" for own in logs.copied)
    return f"""# Sample logs

One month (October 2026, UTC) of LLM requests of Harbour & Finch, a company that does not exist: an insurer with a
web shop, a support desk and a few engineers. **Everything here is synthetic.** The texts were written by hand for this
project and combined by a program; names, numbers and addresses are invented, mail domains are reserved ones, the card
numbers are the payment industry's test numbers, the API keys are fake. They stand in the bodies so that masking can
be seen at work. No model produced the answers: a good or a poor hand-written one was drawn, with the odds of the model
named in the row.

Try it: `router-audit run sample_logs`

## How it is made

`python -m tests.sample_logs.generate` writes this folder (seed {SEED}) and `tests/sample_logs/labels.jsonl`, the
intended profile of each request, which only tests read. The same bytes come out on every run; a test checks that.
The material is in `tests/sample_logs/*.toml`.

Prices are those of the providers' lists for the models named (USD per million tokens, in/out: claude-opus-4-7 5/25,
claude-sonnet-4-6 3/15, claude-haiku-4-5 1/5, gpt-5 1.25/10, gpt-5-mini 0.25/2; Anthropic cache reads at 0.1 and
5-minute writes at 1.25 times the input price). Where a body was very long the log holds a mark such as
`[... 812,000 characters omitted by the logger ...]`, and the token counts are those of the whole.

## What is in it

| files | requests | {" | ".join(PROFILES)} | over 200,000 input tokens |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

Failed attempts are counted as requests. The broken lines below and the ten copies in the OpenTelemetry file are not.

{about}

## Broken on purpose

Line numbers count from 1, after decompression.

| file | line | what is wrong |
|---|---|---|
{broken}

These ten requests stand both in the LiteLLM and in the OpenTelemetry file, under the same response id:

{copied}
"""
