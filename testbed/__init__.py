"""The composition root: starts, keeps and stops a whole Firebreak system on this machine."""
