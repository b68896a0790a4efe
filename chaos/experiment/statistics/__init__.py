"""The estimators behind a verdict, each with its source. Pure functions: numbers in, numbers out, randomness seeded."""
