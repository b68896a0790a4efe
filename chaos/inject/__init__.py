"""What runs inside a target: leases, an ASGI middleware, a client hook and the control endpoint."""
