"""What keeps the full stack from starting."""


class ComposeError(Exception):
    """The stack cannot be started, shown or ended; the text says why, and the way out."""
