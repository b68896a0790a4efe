"""The policies of a running system: what is in force, how it differs from the map, and changes of it for a while."""
