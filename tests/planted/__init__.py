"""Faults to be planted in a copy of the bank: whether the simulation finds them says what it is worth."""
