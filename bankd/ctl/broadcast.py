"""``bankctl broadcast``: something is told to every customer."""

import sys
import time
from argparse import ArgumentParser, Namespace

from bankd.ctl import desk
from bankd.ctl.command import DONE, Command, Unusable
from bankd.records import BroadcastView
from bankd.wire import acts, codec, grammar

PAUSE_SECONDS = 1.0
"""How long to wait before the bank is asked again how far it has come."""

WORDS = """
Have WORDS told to every customer: at once to those who listen, to the others at their next log-in. Each account that is
open gets one notice. The bank goes through the accounts by itself; this command waits until it is done, and may be
stopped before.
"""


def _broadcast(options: Namespace) -> int:
    asked = acts.Broadcast(words=_words(options.words), key=desk.new_key(), reason=desk.reason_of(options))
    with desk.at_desk(options) as bank:
        while (seen := codec.read_fields(BroadcastView, bank.ask(asked).end.fields)).finished_us is None:
            if sys.stderr.isatty():
                print(f"\r{seen.reached} accounts so far", end="", file=sys.stderr, flush=True)
            time.sleep(PAUSE_SECONDS)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    print(f"broadcast {seen.broadcast}: {seen.reached} accounts have a notice of it")
    return DONE


def _words(text: str) -> str:
    """The words to tell. Raises Unusable."""
    try:
        return str(grammar.TEXT.parse(text))
    except ValueError:
        raise Unusable("WORDS takes 1 to 140 printable characters") from None


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("words", metavar="WORDS", help="what to tell, up to 140 characters")
    desk.order_arguments(parser)


BROADCAST = Command("broadcast", "tell every customer something", _broadcast, _arguments, WORDS)
