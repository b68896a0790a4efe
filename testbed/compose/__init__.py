"""The full stack in containers: what its programs are told, and its life by way of `docker compose`."""
