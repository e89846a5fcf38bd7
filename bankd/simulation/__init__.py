"""A whole bank, its clients and all that may happen to them, in one process and by one seed."""
