"""FeastFast, the food-delivery system that Firebreak runs, loads and breaks."""
