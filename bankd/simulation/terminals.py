"""Customers of a simulated bank, at terminals: with the real client, and all that it does by itself.

What is still unknown when a visit is over is asked again at the next one, under its key, as a person would do. When the
world grows calm every terminal asks until it knows everything, and then for its balance and its notices.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from bankd import codes
from bankd.client.address import Address
from bankd.client.answers import Answer
from bankd.client.bank import Bank
from bankd.client.errors import BankError, Denied, Loss, LostBank
from bankd.client.lifeline import BUSY_SECONDS, Lifeline
from bankd.client.lookout import Lookout, look_out
from bankd.client.passcodes import confirmed
from bankd.client.reach import reach
from bankd.codes import Refused
from bankd.records import Challenged
from bankd.simulation.host import Host
from bankd.simulation.orders import KINDS, Order, Wrong, wish
from bankd.simulation.passcodes import Passcodes
from bankd.simulation.scene import Scene
from bankd.simulation.site import PORT, Person
from bankd.wire import messages
from bankd.wire.messages import Login, Message

SILENT = 0.4
"""The share of terminals that say nothing unasked, and whose owners think until their lease has run out."""

LEAVE_SECONDS = 10
"""How long the bank may take to free an account after a log-out, when all is calm."""

LATE_SECONDS = 30
"""For how long the bank may still be at a log-in of whose end its terminal was not told."""

TRIES = 60
"""How often a terminal tries to learn what is left to know when all is calm."""


class Terminal:
    """A customer at a terminal of their own; others may be at another with the same account."""

    def __init__(self, scene: Scene, person: Person, number: int) -> None:
        self.name = f"terminal{number}"
        self.person = person
        self.scene = scene
        self.host = Host(scene.world, scene.network, self.name, f"10.0.{number + 1}.7")
        self.at_peace = False
        scene.witness.tenants.terminals[self.host.address] = self.name
        self._chance = scene.world.chance
        self._open: list[Order] = []
        self._holds: list[int] = []
        self._passcodes = Passcodes(scene, self.host, person)
        self._wait = 0
        self._asks_in = False
        self._late = 0.0
        self._puzzled = False
        self._silent = scene.world.happens(SILENT)

    def begin(self) -> Deferred[None]:
        """Live; fires when the terminal has learnt all that there is to know."""
        return Deferred.fromCoroutine(self._live())

    async def _live(self) -> None:
        came = True
        while not self.scene.calm:
            await self._sleep(self._chance.expovariate(1 / 6 if came else 1 / 3))
            came = await self._visit(self._bank_a_while)
        for _ in range(TRIES):
            if await self._visit(self._settle):
                self.at_peace = True
                return
            await self._sleep(self._wait + self._chance.uniform(1, 10))
        raise Wrong(f"{self.name} could not learn what became of {len(self._open)} orders though all was calm")

    async def _visit(self, do: Callable[[Lifeline], Coroutine[Any, Any, None]]) -> bool:
        """Log in, do something, and go; whether that came to its end."""
        world = self.scene.world
        lookout: Lookout | None = None
        try:
            first = await self._reach()
        except BankError:
            return False
        lifeline = self._watched(Lifeline(first, self._reach, self.host, self._chance.random, self._told))
        try:
            over = not self.scene.calm and self._chance.random() < 0.03
            person = self.person
            if over:
                self.scene.witness.tenants.taking_over.add(self.name)
            login = Login(account=person.account, pin=person.pin, take_over="yes" if over else None)
            await self._log_in(lifeline, login)
            began, _ = self.scene.witness.tenants.lease(person)
            if world.happens(0.5):
                lookout = await look_out(
                    self.host, lifeline.bank, lambda hint: self.scene.witness.hint(person, hint.number)
                )
            for order in list(self._open):  # of which it is not known what became of them
                await self._ask(lifeline, order)
            if self.scene.calm and self._open:
                return False
            await do(lifeline)
            await self._leave(lifeline, began)
            return True
        except (BankError, Refused) as error:
            self._give_up(error)
            return False
        finally:
            if lookout is not None:
                lookout.close()
            lifeline.close()
            if self._asks_in:
                self._asks_in, self._late = False, world.now + LATE_SECONDS
            if self._puzzled:
                raise Wrong(f"{self.name} was answered what it had not asked")

    async def _reach(self) -> Bank:
        """A conversation with the bank. Raises NoBank."""
        bank = await reach(self.host, Address("localhost", PORT), self.scene.trust, self._chance.randbytes)
        bank.lost.addCallback(self._lost)
        return bank

    def _lost(self, why: LostBank) -> LostBank:
        self._puzzled = self._puzzled or why.loss is Loss.NONSENSE
        return why

    async def _bank_a_while(self, line: Lifeline) -> None:
        """Do as customers do."""
        for _ in range(self._chance.randrange(1, 8)):
            if self.scene.calm:
                return
            luck = self._chance.random()
            if luck < 0.16:
                await self._several_at_once(line)
            elif luck < 0.24 and self.scene.witness.orders:
                await self._once_more(line)
            elif luck < (0.5 if self._silent else 0.32):
                await self._look(line)
            else:
                await self._order(line, self._wish(line.bank.new_key()))
            await self._pause()

    async def _pause(self) -> None:
        """Think. The owner of a silent terminal thinks for long, and goes on just when another has got the account."""
        if not self._silent:
            await self._sleep(self._chance.expovariate(1 / 5))
            return
        for _ in range(self._chance.randrange(60)):
            await self._sleep(1)
            if self.scene.witness.tenants.has_other(self.person, self.name):
                return

    def _is_in(self) -> None:
        self.scene.world.note(f"{self.name} is in")
        self.scene.witness.tenants.logged_in(self.person, self.name, self.scene.world.now)

    async def _log_in(self, line: Lifeline, login: Login) -> None:
        line.bank.ask_passcode = self._passcodes.ask
        tenants, asked = self.scene.witness.tenants, self.scene.world.now
        (since_us, _), self._asks_in = tenants.lease(self.person), True
        try:
            await line.bank.log_in(login)
        except Denied as denied:
            self._asks_in = False
            if denied.code.number < 500 and asked > self._late:
                tenants.refused(self.person, self.name, since_us)
            raise
        self._asks_in = False
        self._is_in()
        line.bank.on_recovery = self._is_in
        await self._passcodes.give_again(line)

    def _give_up(self, error: Exception) -> None:
        """Note why a visit ended. Raises Wrong where it should not have."""
        why = getattr(error, "why", error)
        loss = getattr(why, "loss", None)
        if getattr(why, "warning", None) == codes.OVER:
            self.scene.witness.tenants.told_over(self.person, self.name)
        code = getattr(error, "code", None)
        self._wait = getattr(error, "seconds", None) or 0
        told = loss.name if loss else code and (code.number, code.reason)
        self.scene.world.note(f"{self.name} gives up: {type(error).__name__} {told}")

    async def _leave(self, line: Lifeline, began: int) -> None:
        """Mostly log out. When all is calm the account is then free soon, unless somebody else has it by then."""
        if not self.scene.calm:
            if self.scene.world.happens(0.7):
                await line.bank.log_out()
            return
        answer = await line.ask(messages.Logout())
        await self._sleep(LEAVE_SECONDS)
        since, ends = self.scene.witness.tenants.lease(self.person)
        if since == began and ends and not answer.code.refuses:
            raise Wrong(f"{self.name} has logged out, and the account is not free")

    async def _say(self, line: Lifeline, message: Message) -> Answer:
        """The bank's answer to what changes no money."""
        asked = self.scene.world.now
        answer = await line.ask(message)
        if not answer.code.refuses:
            self.scene.witness.tenants.served(self.person, self.name, asked)
        return answer

    async def _settle(self, line: Lifeline) -> None:
        """When all is calm: what is in the account, and every notice there has been."""
        witness, person = self.scene.witness, self.person
        mark, events = witness.mark(person), witness.events(person.account_id)
        answer = await self._say(line, messages.Balance())
        witness.balance(person, mark, int(answer.fields["balance"]))
        notices = await line.bank.notices(0)
        witness.notices(person, events, [notice.number for notice in notices])

    async def _order(self, line: Lifeline, message: Message) -> None:
        order = Order(self.person, self.name, message)
        self.scene.witness.asked(order)
        self._open.append(order)
        await self._ask(line, order)

    async def _several_at_once(self, line: Lifeline) -> None:
        """Ask for one thing after another before the first is answered."""
        orders = [self._order(line, self._wish(line.bank.new_key())) for _ in range(self._chance.randrange(2, 6))]
        asked = [Deferred.fromCoroutine(order) for order in orders]
        for one in asked:
            one.addErrback(lambda failure: failure.trap(BankError))
        for one in asked:
            await one

    async def _once_more(self, line: Lifeline) -> None:
        """Ask again, under its key, for something of which all is known; rather for what was refused."""
        mine = [order for order in self.scene.witness.orders.values() if order.terminal == self.name]
        refused = [order for order in mine if order.said is not None and not order.is_done]
        if mine:
            await self._ask(line, self._chance.choice(refused or mine))

    async def _ask(self, line: Lifeline, order: Order) -> None:
        asked = self.scene.world.now

        async def passcode(challenge: Challenged, left: int | None) -> str | None:
            self.scene.witness.challenged(order)
            return await self._passcodes.ask(challenge, left)

        answer = await confirmed(line, order.message, passcode)
        if order.said is None and not answer.code.refuses:
            self.scene.witness.tenants.served(self.person, self.name, asked)
        number = answer.code.number
        self.scene.world.note(f"{self.name} {order.message.verb} {number} {answer.code.reason}")
        self.scene.witness.answered(order, answer)
        if order.said is not None and order in self._open:
            self._open.remove(order)
        if not answer.code.refuses and isinstance(order.message, messages.Hold):
            self._holds.append(int(answer.fields["hold"]))
        await self._passcodes.give_again(line)

    def _watched(self, line: Lifeline) -> Lifeline:
        """``line``, with an eye on what it answers; where the terminal is silent, so is the line."""
        ask = line.ask
        line.ask = lambda message: ask(message).addCallback(self._note, message, self.scene.world.now)  # type: ignore[method-assign]
        if self._silent:
            line.keep_alive = lambda seconds: None  # type: ignore[method-assign]
        return line

    def _note(self, answer: Answer, message: Message, asked: float) -> Answer:
        """Look at an answer of the line's. Raises Wrong where it should not be."""
        if answer.code == codes.BUSY and type(message) in KINDS and self.scene.world.now < asked + BUSY_SECONDS - 1:
            raise Wrong(f"{self.name} asked a busy bank no more for {message}")
        if isinstance(message, messages.OneTime):
            self._passcodes.note(answer, message)
        return answer

    async def _look(self, line: Lifeline) -> None:
        """Ask for what changes nothing, or little."""
        kind = self._chance.randrange(4)
        if kind == 0:
            answer = await self._say(line, messages.Statement(limit=10))
        elif kind == 1:
            answer = await self._say(line, messages.Notices())
            if answer.items:
                upto = max(int(item["number"]) for item in answer.items)
                answer = await self._say(line, messages.Acknowledge(upto=upto))
        elif kind == 2:
            answer = await self._say(line, messages.UpdateContact(name=f"Person {self._chance.randrange(100)}"))
        else:
            answer = await self._say(line, messages.Balance())
        self.scene.world.note(f"{self.name} looks {answer.code.number}")

    def _wish(self, key: str) -> Message:
        seen, received = self.scene.witness.seen, self.scene.witness.accounts[self.person.account_id].received
        receipts = [self._chance.randrange(1, seen + 1), *received[-3:]]
        return wish(self._chance, self.person, self.scene.ground.people, self._holds, receipts, key)

    def _told(self, words: str) -> None:
        """What the client says to people: mostly that it connects and logs in again."""
        self._asks_in = True

    def _sleep(self, seconds: float) -> Deferred[None]:
        return deferLater(self.host, seconds)
