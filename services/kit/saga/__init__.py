"""Work over several services that is finished or undone, whatever dies meanwhile: a persisted, fenced saga."""
