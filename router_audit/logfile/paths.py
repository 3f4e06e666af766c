"""What the user points at, to the files that are read."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from router_audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"

_SKIPPED_FOLDERS = frozenset({".git", ".venv", "node_modules", "__pycache__"})
_SKIPPED_SUFFIXES = frozenset(
    [
        ".md",
        ".rst",
        ".py",
        ".pyc",
        ".html",
        ".htm",
        ".css",
        ".js",
        ".ts",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".svg",
        ".pdf",
        ".toml",
        ".yaml",
        ".yml",
        ".tsv",
        ".ini",
        ".cfg",
        ".lock",
        ".sh",
        ".sql",
        ".duckdb",
        ".wal",
        ".tmp",
        ".zip",
        ".tar",
        ".whl",
        ".so",
        ".parquet.crc",
    ]
)
"""Never a log when met while walking a folder; still read when named outright."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read."""

    path: str
    """A path that opens from here, a URL, or `-`."""

    @property
    def name(self) -> str:
        """As it stands in the store: the same file has the same name from wherever it is named.

        Of a URL, without what may be secret: user, password and query.
        """
        if self.path == STDIN:
            return self.path
        if "://" in self.path:
            parts = urlsplit(self.path)
            return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        return str(Path(self.path).resolve())


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            if entry.name not in _SKIPPED_FOLDERS:
                yield from _walk(entry)
        elif entry.is_file() and entry.suffix.lower() not in _SKIPPED_SUFFIXES:
            yield entry


def _expand(path: str) -> Iterator[str]:
    if path == STDIN or "://" in path:
        yield path
        return
    here = Path(path).expanduser()
    if here.is_dir():
        try:
            found = [str(entry) for entry in _walk(here)]
        except OSError as error:
            raise InputError(f"the folder cannot be read ({error.strerror})", where=path) from None
        if not found:
            raise InputError("no log file in this folder", where=path)
        yield from found
    elif here.exists():
        yield str(here)
    elif glob.has_magic(path):
        matches = sorted(glob.glob(str(here), recursive=True))
        if not matches:
            raise InputError("no file matches this pattern", where=path)
        for match in matches:
            yield from _expand(match) if Path(match).is_dir() else (match,)
    else:
        raise InputError("no such file or folder", where=path)


def find(paths: Sequence[str]) -> list[Source]:
    """The files behind paths, folders, globs, URLs and `-`, each once, in a stable order.

    Raises InputError for a path that leads to no file.
    """
    sources: dict[str, Source] = {}
    for path in paths:
        for one in _expand(path):
            source = Source(one)
            sources.setdefault(source.name, source)
    return list(sources.values())
