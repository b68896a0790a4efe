"""Restaurants, their menus, and what a basket costs."""
