"""What a customer wants to be told of, chosen at the terminal."""

from bankd.client import preference_words
from bankd.client.counter import Session
from bankd.client.dialog import Back, Option
from bankd.client.preference_words import AMOUNT, DONE, EVERY_AMOUNT, KINDS
from bankd.records import OPTIONAL, NoticeKind


async def choose(session: Session) -> None:
    """Switch kinds on and off, one at a time, until the person is done."""
    talk, bank = session.dialog, session.bank
    chosen = await bank.preferences()
    while True:
        talk.say(preference_words.told(chosen))
        menu: list[Option[NoticeKind | str]] = [Option(KINDS[kind], kind) for kind in OPTIONAL]
        menu += [Option(AMOUNT, AMOUNT), Option(EVERY_AMOUNT, EVERY_AMOUNT), Option(DONE, DONE)]
        match await talk.choose(menu):
            case NoticeKind() as kind:
                chosen = await bank.preferences(muted=chosen.with_other(kind).muted)
            case str(word) if word == AMOUNT:
                try:
                    chosen = await bank.preferences(least=await talk.ask_amount(chosen.currency))
                except Back:
                    continue
            case str(word) if word == EVERY_AMOUNT:
                chosen = await bank.preferences(least=0)
            case _:
                return
