"""Customers and their passwords."""
