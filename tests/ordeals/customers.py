"""A process of customers in a storm, who speak BANK/1 themselves: python -m tests.ordeals.customers FOLDER NUMBER

Each customer has a thread and a session on an account of its own, asks for operations of all kinds, some at a time, and
some of them twice; now and then it goes away in the middle of a line, or before it was answered. Whatever is lost, it
comes again, and asks under the same keys until it knows. The process may be killed; started again it goes on from its
diary. Some customers listen: they ask for what is new, and write it down.
"""

import random
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

from tests.ordeals import plan
from tests.ordeals.crowd import Client, Gone, octets_of
from tests.ordeals.diary import Diary
from tests.ordeals.operations import BETWEEN, Operation
from tests.ordeals.plan import Plan
from tests.ordeals.wishes import AllWishes, Promises
from tests.ordeals.witness import SAYS_NOTHING

PATIENCE_SECONDS = 15.0
"""How long to wait for an answer before the connection is given up."""

PAUSE_SECONDS = 0.2
"""How long to wait, at most, before the bank is asked again."""

LONG_PAUSE_SECONDS = 1.0
"""How long, at most, before a bank is called again that was lost."""

LEAVES_IN = 300
"""With one burst in so many a customer goes away in the middle of it."""

LOOKS_IN = 8
"""With one burst in so many a listener asks for notices."""

PAGE = 100

MOST_MINOR = 200_000_000
"""The largest amount asked for; an account begins with 1,000,000,000."""


class Customer(Thread):
    """One customer, until everything is asked and answered."""

    def __init__(self, crew: "Crew", number: str) -> None:
        super().__init__(name=number)
        self._crew = crew
        self._row = crew.plan.accounts[number]
        self._diary = crew.diary
        self._open = crew.diary.open[number]
        self._wishes = crew.wishes(number)
        self._chance = random.Random(f"{crew.plan.seed} {number}")
        self._seen = crew.diary.seen.get(number, crew.plan.listeners.get(number))

    def run(self) -> None:
        """Have one session after another."""
        while self._wants():
            try:
                self._visit()
            except Gone:
                self._diary.doubt(list(self._open.values()))
                self._diary.count(self.name, "connections lost")
                self._pause(LONG_PAUSE_SECONDS)

    def _wants(self) -> bool:
        """Whether there is anything left to do: listeners stay until all is over."""
        listens = self._seen is not None and not self._crew.is_over
        return bool(listens or self._left or self._open)

    @property
    def _left(self) -> int:
        return self._crew.plan.operations - self._diary.asked[self.name]

    def _visit(self) -> None:
        """One session. Raises Gone."""
        client = self._crew.connect(self.name)
        with client.socket:
            while not (answer := client.ask(client.log_in_request)).startswith("200 "):
                if answer[:3] not in ("423", "429", "503"):
                    self._diary.count(self.name, f"log-in answered {answer}")
                self._pause()
            self._ask(client, list(self._open.values()))
            while self._wants():
                over = self._crew.is_over
                self._ask(client, self._next())
                if self._seen is not None and (not self._left or not self._chance.randrange(LOOKS_IN)):
                    self._look(client)
                if over and not self._left and not self._open:
                    self._seen = None  # all of it was over before the last look
            client.ask("LOGOUT")

    def _next(self) -> list[Operation]:
        """What to ask now: what is open is asked again, and new operations, some of them twice."""
        again = list(self._open.values())
        count = min(self._left, self._chance.randint(1, self._crew.plan.depth) - len(again))
        new = [self._wishes.anything(self._row) for _ in range(max(0, count))]
        self._diary.ask(new)
        if not new:
            self._pause()
        return again + [each for operation in new for each in self._wishes.perhaps_again(operation)]

    def _ask(self, client: Client, operations: Sequence[Operation]) -> None:
        """Ask, and write down what was answered. Raises Gone, and then what was answered before that is there too."""
        requests = [operation.request for operation in operations]
        if not self._chance.randrange(LEAVES_IN):
            self._leave(client, octets_of(requests))
        client.say(requests)
        answered: list[tuple[Operation, str]] = []
        try:
            for operation in operations:
                answer = client.answer()
                if answer not in SAYS_NOTHING:
                    operation.answer = operation.answer or answer
                    answered.append((operation, answer))
        finally:
            self._diary.answer(answered)
        for operation, _ in answered:
            self._wishes.noted(operation)
        if doubted := [operation for operation in operations if operation.answer is None]:
            self._diary.doubt(doubted)
            self._pause()

    def _leave(self, client: Client, octets: bytes) -> None:
        """Go away when a part of what is asked was sent; or all of it, and no answer was heard."""
        part = octets if self._chance.random() < 0.5 else octets[: self._chance.randrange(len(octets) + 1)]
        self._diary.count(self.name, "left in the middle")
        try:
            client.socket.sendall(part)
        except OSError as error:
            raise Gone(str(error)) from error
        raise Gone("left")

    def _look(self, client: Client) -> None:
        """Ask for what is new. Raises Gone."""
        while True:
            *notices, end = client.ask_all(f"NOTICES since={self._seen}").split(BETWEEN)
            if not end.startswith("200 "):
                self._diary.count(self.name, f"NOTICES answered {end}")
                return
            if notices:
                self._diary.tell(self.name, [notice.removeprefix("- ") for notice in notices])
                self._seen = int(notices[-1].split()[1].removeprefix("number="))
            if len(notices) < PAGE:
                return

    def _pause(self, most_seconds: float = PAUSE_SECONDS) -> None:
        self._crew.never.wait(self._chance.uniform(0, most_seconds))


class Crew:
    """The customers of one process."""

    def __init__(self, told: Plan, number: int) -> None:
        self.plan = told
        self.never = Event()
        self.diary = Diary(told.diary(number), {each: told.accounts[each] for each in told.accounts})
        self._promises: Promises = {}
        self._trust = ssl.create_default_context(cafile=told.ca)
        self.customers = [Customer(self, each) for each in told.crews[number]]

    @property
    def is_over(self) -> bool:
        """Whether all customers of all processes have asked everything, and were answered."""
        return self.plan.over.exists()

    def connect(self, number: str) -> Client:
        """A connection. Raises Gone."""
        return Client(self.plan.port, self._trust, self.plan.accounts[number], self.plan.pin, PATIENCE_SECONDS)

    def wishes(self, number: str) -> AllWishes:
        """What a customer wishes for; others than before the process was killed."""
        seed = f"{self.plan.seed} {number} {self.diary.asked[number]}"
        return AllWishes(seed, self.plan.rows, MOST_MINOR, self._promises)


def main() -> int:
    """Be the customers of a process; the exit status."""
    folder, number = sys.argv[1:]
    crew = Crew(plan.load(Path(folder)), int(number))
    for customer in crew.customers:
        customer.start()
    for customer in crew.customers:
        customer.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
