"""The kinds of request fault, one a file."""
