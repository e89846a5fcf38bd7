"""The statuses with which the client's program ends."""

from bankd.output import BROKEN_PIPE as BROKEN_PIPE

SUCCESS = 0
REFUSED = 1  # the bank refused something
UNUSABLE = 2  # what was given to the program cannot be used
NO_BANK = 3  # the bank could not be reached or trusted, or was lost
INTERRUPTED = 130  # Ctrl-C, as shells count it: 128 and the signal's number
FAULT = 70  # a fault of the program itself (EX_SOFTWARE of sysexits.h)
