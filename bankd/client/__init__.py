"""The client of the bank: a library for programs (docs/client.md), and the terminal and scripts that are made of it.

What stands in ``__all__`` stays as it is from one version to the next; all else is the client's own affair. The values
that the bank answers with are in ``bankd.records``, and its codes in ``bankd.codes``.
"""

from bankd.client.bank import Bank
from bankd.client.connection import connect
from bankd.client.errors import BankError, Cause, Denied, InDoubt, Loss, LostBank, NoBank, Unusable
from bankd.client.loops import in_asyncio
from bankd.client.watching import watch
from bankd.wire.messages import (
    ChangePassword,
    ChangePin,
    DeleteAccount,
    EnrolApp,
    Login,
    RemoveApp,
    SignUp,
)

__all__ = [
    "Bank",
    "BankError",
    "Cause",
    "ChangePassword",
    "ChangePin",
    "DeleteAccount",
    "Denied",
    "EnrolApp",
    "InDoubt",
    "Login",
    "Loss",
    "LostBank",
    "NoBank",
    "RemoveApp",
    "SignUp",
    "Unusable",
    "connect",
    "in_asyncio",
    "watch",
]
