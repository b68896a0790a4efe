"""How a benchmark says whether a figure holds."""


def met_word(holds: bool) -> str:  # noqa: FBT001 - reads like the word it becomes.
    """Whether what was wanted was measured."""
    return "met" if holds else "MISSED"
