"""Payments of orders: authorised, captured, voided and refunded, each once, with a double-entry ledger."""
