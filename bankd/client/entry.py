"""The door of a session: log in, in place of another terminal where that is wanted, and change a PIN that has to be."""

from dataclasses import replace

from bankd import codes
from bankd.client import forms, prompts, words
from bankd.client.bank import Bank
from bankd.client.dialog import Dialog
from bankd.codes import Refused
from bankd.records import Welcome
from bankd.wire.messages import ChangePin, Login


async def log_in(dialog: Dialog, bank: Bank, login: Login) -> Welcome:
    """Open a session; where the account is in use, ask whether that is to end. Raises Refused and LostBank."""
    try:
        return await bank.log_in(login)
    except Refused as refused:
        if refused.code != codes.IN_USE or not await dialog.confirm(prompts.TAKE_OVER):
            raise
        return await bank.log_in(replace(login, take_over="yes"))


async def change_first(dialog: Dialog, bank: Bank, pin: str) -> None:
    """Have the customer choose another PIN, without which the bank does nothing. Raises Back."""
    dialog.bank = bank
    dialog.say(prompts.CHANGE_FIRST)
    while True:
        new = await dialog.ask_twice(forms.NEW_PIN)
        try:
            await bank.change(ChangePin(new=new, pin=pin))
        except Refused as refused:
            if refused.code != codes.WEAK_SECRET:
                raise
            dialog.say(words.refused(refused))
        else:
            dialog.say(prompts.PIN_CHANGED)
            return
