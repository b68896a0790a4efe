"""What must be true of the business whatever fails: one invariant a file, read from the services' own audits."""
