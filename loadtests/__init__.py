"""Open-loop load: seeded arrivals, journeys, and a record of every request."""
