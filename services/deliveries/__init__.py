"""Couriers, and which of them brings which order."""
