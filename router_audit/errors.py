"""Errors a user can act on."""


class UserError(Exception):
    """A mistake or a missing thing that the user can put right; its message says how."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
