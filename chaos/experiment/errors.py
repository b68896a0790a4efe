"""What can go wrong with a run, as opposed to what a run can find.

RunError            the run cannot go on; nothing of it runs any more
EvidenceError       a run's folder that cannot be judged
"""


class RunError(Exception):
    """The run cannot go on; the text is for people."""


class EvidenceError(Exception):
    """A run's folder that cannot be judged; the text names the file and what is wrong with it."""
