"""The patterns that protect a call, one a file."""
