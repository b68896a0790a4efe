"""One replica in a container: what keeps it as process 1, and the commands that are executed beside it."""
