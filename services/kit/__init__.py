"""The plumbing that every service shares; it holds no word of food delivery."""
