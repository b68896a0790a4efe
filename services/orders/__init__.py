"""Orders: placed, charged, assigned, and finished whatever happens."""
