"""A process that encodes and sends the spans of all services of a machine, so that none of them does so beside its requests."""
