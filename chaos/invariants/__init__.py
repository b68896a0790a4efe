"""Business rules that hold whatever is killed when, one a file."""
