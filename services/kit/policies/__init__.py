"""The policies of a running process, changed for a while: leases, where they are asked for, and what puts them in force."""
