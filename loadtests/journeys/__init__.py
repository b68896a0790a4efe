"""What a customer does, one journey a file."""
