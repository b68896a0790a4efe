"""A system in the containers of a Docker Compose project."""
