"""Restaurants, their menus, and the portions that orders reserve."""
