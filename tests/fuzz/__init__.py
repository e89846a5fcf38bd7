"""Octets that nobody meant, for all that reads what others wrote: a value comes back, or a documented refusal."""
