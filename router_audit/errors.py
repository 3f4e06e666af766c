"""The one exception a user can mend, and its kinds."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend: shown as one line, exit code 2, never a traceback.

    `message` says what is wrong and what to do; `where` names the file, line or option.
    """

    kind = "usage"

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where

    def __str__(self) -> str:
        """One line, `where: message`."""
        return f"{self.where}: {self.message}" if self.where else self.message


class InputError(UserError):
    """A log, table, ladder or price file that cannot be used."""

    kind = "input"


class StoreError(UserError):
    """The DuckDB file is held by another process, of a newer schema, or not writable."""

    kind = "store"


class ModelError(UserError):
    """Weights, a classifier or a model provider that cannot be used."""

    kind = "model"


class CheckFailed(UserError):  # noqa: N818  a refused gate is an answer, not a fault
    """A check that ran and said no: a canary alarm, a refused gate, a table that does not verify. Exit code 1."""

    kind = "check"

    def __init__(self, message: str, *, where: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, where=where)
        self.problems = problems
        """Each thing that was found, where there may be several."""
