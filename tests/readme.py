"""The generated parts of the README: `python -m tests.readme` rewrites them, `tests/test_readme.py` compares them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def _command(*words: str, cwd: Path = ROOT) -> str:
    environment = {
        **os.environ,
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", "router_audit", *words],
        cwd=cwd, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return re.sub(r"[ \t]+$", "", done.stdout, flags=re.MULTILINE).strip("\n")


def usage() -> str:
    """`router-audit --help`."""
    return "```console\n$ router-audit --help\n" + _command("--help") + "\n```"


def transcript() -> str:
    """`router-audit run sample_logs` in a fresh folder."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sample_logs").symlink_to(ROOT / "sample_logs")
        return (
            "```console\n$ router-audit run sample_logs\n"
            + _command("run", "sample_logs", cwd=Path(folder))
            + "\n```"
        )


def sources() -> str:
    """One row per source, whatever number of adapters reads it."""
    from router_audit.adapters import ADAPTERS

    read: dict[str, list[str]] = {}
    for adapter in ADAPTERS:
        read.setdefault(adapter.source, []).append(adapter.reads)
    rows = [f"| `{source}` | {'; '.join(reads)} |" for source, reads in read.items()]
    return "\n".join(["| source | what is read |", "|---|---|", *rows])


def targets() -> str:
    """One row per exporter."""
    from router_audit.exporters import EXPORTERS

    rows = [f"| `{member.name}` | {member.writes} |" for member in EXPORTERS]
    return "\n".join(["| `--to` | what is written |", "|---|---|", *rows])


BLOCKS = {"targets": targets, "transcript": transcript, "usage": usage, "sources": sources}


def block(text: str, name: str) -> str:
    """What stands between the marks of a block."""
    found = re.search(rf"<!-- begin {name} -->\n(.*?)<!-- end {name} -->", text, flags=re.DOTALL)
    if found is None:
        raise LookupError(name)
    return found[1].strip("\n")


def main() -> None:
    """Rewrite every block of the README."""
    text = README.read_text("utf-8")
    for name, generate in BLOCKS.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{generate()}\n{end}{rest.partition(end)[2]}"
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
