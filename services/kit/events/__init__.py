"""Work that is done later and never lost: an outbox beside the data, and a relay that delivers it."""
