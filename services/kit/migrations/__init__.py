"""Schemas of services' databases: numbered migrations, run once and outside of the replicas, which wait for them."""
