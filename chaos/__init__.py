"""Faults under lease, experiments that use them, and the verdicts that follow."""
