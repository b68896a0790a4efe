"""The plumbing that every service shares; it knows nothing of what they are for."""
