"""A statement in a file: CSV, JSON or CAMT.053, made line by line so that a long one needs no memory."""
