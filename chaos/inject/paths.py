"""Which requests no fault hits: a target that cannot be observed or healed proves nothing."""

OBSERVED = ("/health", "/metrics")
"""What is asked by whoever watches a process, on a network of his own."""


def is_below(path: str, roots: tuple[str, ...]) -> bool:
    """Whether `path` is one of `roots` or below it; `/healthy` is not below `/health`."""
    # Asked several times a request, of paths that nearly all begin otherwise: one look settles those.
    return path.startswith(roots) and any(path == root or path.startswith(f"{root}/") for root in roots)
