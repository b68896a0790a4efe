"""The report of an experiment: pure view models over a `Result`, and a page drawn from them."""
