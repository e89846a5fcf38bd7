"""The client of the bank: the terminal, and the same bank without a person."""
