"""The authenticator app at the menu: it is shown its secret, shows a code of it, and recovery codes are shown once."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from shutil import get_terminal_size
from typing import Any

from bankd import codes
from bankd.client import app_slips, forms, prompts, qr, words
from bankd.client.counter import Session, secret_again
from bankd.client.dialog import Option
from bankd.codes import Refused
from bankd.wire import messages

LINES_BESIDE = 2
"""Lines that are on the screen besides a QR code: the question below it, and where the cursor goes."""

Task = Callable[[Session], Coroutine[Any, Any, None]]


async def app(session: Session) -> None:
    """Set the app up, or remove it, as the person chooses."""
    chosen = await session.dialog.choose(APP_MENU)
    if chosen is not None:
        await chosen(session)


async def enrol(session: Session) -> None:
    """Have an app make the one-time passwords."""
    talk, bank = session.dialog, session.bank
    enrolment = await bank.enrol_app(messages.EnrolApp(**await secret_again(session)))
    columns, rows = get_terminal_size()
    picture = qr.drawn(enrolment.uri, columns, rows - LINES_BESIDE)
    talk.say(app_slips.enrolment(enrolment, with_picture=picture is not None))
    if picture is not None:
        talk.say(picture)
    form = replace(forms.PASSCODE, prompt=prompts.APP_CODE)
    while True:
        code = await talk.ask(form)
        try:
            recovery = await bank.confirm_app(code)
        except Refused as error:
            if error.code != codes.WRONG_CODE:
                raise
            talk.warn(words.refused(error))
        else:
            talk.say(app_slips.recovery(recovery))
            return


async def remove(session: Session) -> None:
    """Have one-time passwords sent again."""
    await session.bank.remove_app(messages.RemoveApp(**await secret_again(session)))
    session.dialog.done(prompts.APP_REMOVED)


APP_MENU: tuple[Option[Task | None], ...] = (
    Option(prompts.ENROL_APP, enrol),
    Option(prompts.REMOVE_APP, remove),
    Option(prompts.BACK, None),
)
