"""Files of any kind to decoded records: which files, which container, which line; never which log format."""

from __future__ import annotations

from router_audit.logfile.containers import records
from router_audit.logfile.handfuls import Handful, gathered, of_piece
from router_audit.logfile.paths import STDIN, Source, find
from router_audit.logfile.pieces import Piece, glance, split
from router_audit.logfile.record import Bad, Numbered, decode, printable, unfold
from router_audit.logfile.tables import sqlite_rows

__all__ = [
    "STDIN",
    "Bad",
    "Handful",
    "Numbered",
    "Piece",
    "Source",
    "decode",
    "find",
    "gathered",
    "glance",
    "of_piece",
    "printable",
    "records",
    "split",
    "sqlite_rows",
    "unfold",
]
