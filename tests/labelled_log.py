"""A small log of four kinds of work and many templates, through the real ingest: what label tests start from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {
    "classification": (
        "Classify the {thing} below as spam or not spam. Answer with one of: spam, ham.",
        "Which sentiment has this {thing}: positive, negative or neutral? Reply with one word only.",
        "Is the following {thing} urgent? Answer yes or no.",
    ),
    "extraction": (
        "Extract every name, date and amount from the {thing} below as JSON.",
        "List all e-mail addresses that occur in this {thing}, one a line.",
        "Copy the invoice number and the total out of the {thing}.",
    ),
    "reasoning": (
        "Solve the problem step by step and prove that your answer holds for this {thing}.",
        "Write a function that parses a {thing} and explain its complexity.",
        "Compare the two options in the {thing} and argue which is better, with reasons.",
    ),
    "coordination": (
        "Use the tools to search the repository, edit every file of the {thing}, run the tests and open a pull request.",
        "Plan the {thing}: call the agents in order, wait for each, and merge what they return.",
        "Book the flight, then the hotel, then send the {thing} to everyone through the tools.",
    ),
}
THINGS = ("message", "ticket", "review", "letter", "report", "order")


def log_lines(copies: int = 1) -> list[dict[str, object]]:
    """72 contents in 72 templates, each `copies` times; the true profile stands in `metadata`-free order."""
    lines: list[dict[str, object]] = []
    for profile, asks in KINDS.items():
        for a, ask in enumerate(asks):
            for t, thing in enumerate(THINGS):
                for copy in range(copies):
                    number = len(lines)
                    system = f"{ask.format(thing=thing)} (desk {a}{t})"
                    lines.append(
                        {
                            "id": f"chatcmpl-{profile}-{a}-{t}-{copy}",
                            "model": "gpt-4o",
                            "messages": [
                                {"role": "system", "content": system},
                                {"role": "user", "content": f"{thing} {a}{t}: kind of work {profile[:2]}"},
                            ],
                            "response": {
                                "id": f"chatcmpl-{profile}-{a}-{t}-{copy}",
                                "object": "chat.completion",
                                "model": "gpt-4o",
                                "created": 1_793_000_000 + number,
                                "choices": [
                                    {
                                        "index": 0,
                                        "finish_reason": "stop",
                                        "message": {"role": "assistant", "content": "ok"},
                                    }
                                ],
                                "usage": {"prompt_tokens": 50, "completion_tokens": 2, "total_tokens": 52},
                            },
                        }
                    )
    return lines


def write_log(path: Path, copies: int = 1) -> Path:
    """The log as a JSONL file."""
    pairs = (
        {
            "request": {
                "url": "https://api.openai.com/v1/chat/completions",
                "method": "POST",
                "body": {"model": line["model"], "messages": line["messages"]},
            },
            "response": {"status": 200, "body": line["response"]},
        }
        for line in log_lines(copies)
    )
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return path
