"""The files that the built-in page is made of."""
