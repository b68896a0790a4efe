"""Charges and refunds, each once an order."""
