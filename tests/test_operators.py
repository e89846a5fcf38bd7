"""Operators: who is one, what each role may do, what needs two people, and that every act is recorded."""

import contextlib
from dataclasses import replace
from threading import Event, Thread
from typing import Any

from sqlalchemy import select, update
from twisted.internet.defer import Deferred, fail
from zope.interface.verify import verifyObject

from bankd import codes
from bankd.bank import operators, proposals
from bankd.bank.operators import Badge
from bankd.codes import Refused
from bankd.credentials import OperatorOrigin, Origin
from bankd.ibank import NotDelivered
from bankd.ioperator import IOperator
from bankd.ledger.commands import Capture, Hold, Reversal
from bankd.store import customers, schema, terminals
from bankd.store import operators as operator_rows
from bankd.store import proposals as proposal_rows
from bankd.store.engines import DatabaseFault, Store
from bankd.store.operators import OperatorRow
from bankd.testing import PRACTICE_TERMS, Known, PracticeBank, PracticePost, Wire
from bankd.wire import acts
from bankd.wire.roles import MAY, Role
from tests.databases import DatabaseCase, on_every_engine, on_servers

AMY, BEN, IVY = 1001, 1002, 1003
DAY_SECONDS = 86_400
CERTIFICATE = "ab" * 32
DEADLINE_SECONDS = 60


class OperatorCase(DatabaseCase):
    """A bank with a teller (amy), an administrator (ben), an auditor (ivy), and a customer with a hundred dollars."""

    two_people = True

    def setUp(self) -> None:
        terms = PRACTICE_TERMS if self.two_people else one_person()
        self.bank = PracticeBank(url=self.database(), terms=terms)
        self.addCleanup(self.bank.close)
        for name, role, uid in (
            ("amy", Role.TELLER, AMY),
            ("ben", Role.ADMINISTRATOR, BEN),
            ("ivy", Role.AUDITOR, IVY),
        ):
            self.bank.add_operator(name, role, uid)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.amy, self.ben, self.ivy = (self.bank.operate(uid) for uid in (AMY, BEN, IVY))

    def ask(self, wire: Wire, line: str) -> str:
        """The one line that answers a request."""
        [answer] = wire.ask(f"t {line}")
        return answer.removeprefix("t ")

    def credit(self, wire: Wire, key: str = "k", amount: int = 500, more: str = "reason=Found") -> str:
        """Have an operator pay into the customer's account."""
        return self.ask(wire, f"CREDIT account={self.alice.account} amount={amount} currency=USD key={key} {more}")

    def balance_minor(self, known: Known | None = None) -> int:
        """What a customer has."""
        with self.bank.store.reading() as connection:
            return customers.account(connection, (known or self.alice).account_id).balance_minor

    def acts(self) -> list[tuple[str, str, str]]:
        """Who did what, and with which outcome, from the first act on."""
        with self.bank.store.reading() as connection:
            found = operator_rows.acts_after(connection, 0)
        return [(act.operator, act.verb, act.outcome) for act in found]


def one_person() -> Any:
    """The terms of a bank without the rule of two."""
    return replace(PRACTICE_TERMS, two_people=False)


class Entering(OperatorCase):
    """Who is at the other end of the operators' socket."""

    def test_operator(self) -> None:
        """The bank greets, and says who it takes the peer for, without being asked."""
        wire = self.bank.operate(AMY)
        self.assertEqual(wire.greeting[1:], ["* 200 operator=amy role=teller"])

    def test_owner(self) -> None:
        """Who owns the bank is an administrator, unless the same user is registered in another role."""
        self.assertEqual(self.bank.operate(0).greeting[1:], ["* 200 operator=root role=administrator"])
        self.bank.add_operator("zoe", Role.AUDITOR, 0)
        self.assertEqual(self.bank.operate(0).greeting[1:], ["* 200 operator=zoe role=auditor"])

    def test_stranger(self) -> None:
        """Another user of the system is told so, and cut off; what was sent already is not read."""
        wire = self.bank.operate(4711)
        self.assertEqual(wire.greeting[1:], ["* 403 reason=operator"])
        self.assertFalse(wire.connected)
        self.assertEqual(wire.ask("t ACTS"), [])

    def test_no_answer(self) -> None:
        """Where the bank cannot look now the peer is cut off too: it must never be a visitor there."""
        self.patch(self.bank.branch, "reading", failing)
        wire = self.bank.operate(AMY)
        self.assertEqual(len(wire.greeting), 2)
        self.assertTrue(wire.greeting[1].startswith("* 500 "), wire.greeting)
        self.assertFalse(wire.connected)
        self.flushLoggedErrors(OSError)

    def test_removed(self) -> None:
        """An operator who is removed can do nothing more on a connection that is open, and that is recorded."""
        with self.bank.store.writing() as tx:
            operator_rows.remove(tx, "amy")
        self.assertEqual(self.credit(self.amy), "403 reason=operator")
        self.assertFalse(self.amy.connected)
        self.assertEqual(self.acts(), [("amy", "credit", "operator")])
        self.assertEqual(self.bank.operate(AMY).greeting[1:], ["* 403 reason=operator"])

    def test_other_role(self) -> None:
        """A role that was taken away is gone from the next request on."""
        with self.bank.store.writing() as tx:
            tx.connection.execute(
                update(schema.operators).where(schema.operators.c.name == "amy").values(role="auditor")
            )
        self.assertEqual(self.credit(self.amy), "403 reason=role")

    def test_another_in_the_same_place(self) -> None:
        """When somebody else is now known by the same, the connection is not theirs."""
        with self.bank.store.writing() as tx:
            operator_rows.remove(tx, "amy")
            operator_rows.add(tx, "eve", Role.ADMINISTRATOR, AMY, None)
        self.assertEqual(self.credit(self.amy), "403 reason=operator")

    def test_certificate(self) -> None:
        """Over TLS an operator is who has the key of a registered certificate, and asks to be one."""
        self.bank.add_operator("kim", Role.TELLER, certificate=CERTIFICATE)
        with self.bank.store.writing() as tx:
            terminals.add(tx, "kim's", CERTIFICATE, tx.at_us)
        wire = self.bank.connect()
        wire.transport.getPeerCertificate = Proved
        self.assertEqual(self.ask(wire, "OPERATE"), "200 operator=kim role=teller")
        self.assertEqual(self.ask(wire, "BALANCE"), "403 reason=state")
        self.assertEqual(self.ask(wire, "OPERATE"), "403 reason=state")
        self.assertEqual(self.ask(wire, "SEALED jwe=a.b.c.d.e"), "403 reason=state")
        with self.bank.store.writing() as tx:
            terminals.revoke(tx, "kim's")
        self.assertEqual(self.ask(wire, "PROPOSALS"), "403 reason=operator")

    def test_no_certificate(self) -> None:
        """Without a certificate, or with one that is no operator's, nobody is one."""
        for certificate in (lambda: None, Proved):
            wire = self.bank.connect()
            wire.transport.getPeerCertificate = certificate
            self.assertEqual(self.ask(wire, "OPERATE"), "403 reason=operator")
            self.assertFalse(wire.connected)

    def test_verbs_of_others(self) -> None:
        """No verb of customers and visitors is for operators, and none of operators for them."""
        for line in ("LOGIN account=1 pin=12345", "SIGNUP username=eve password=x mobile=+12025550199", "BALANCE"):
            self.assertEqual(self.ask(self.amy, line), "403 reason=state")
        customer, visitor = self.bank.log_in(self.alice), self.bank.connect()
        self.assertEqual(self.credit(customer), "403 reason=state")
        self.assertEqual(self.credit(visitor), "401 reason=login")
        self.assertEqual(self.ask(customer, "OPERATE"), "403 reason=state")
        self.assertEqual(self.ask(self.amy, "NOOP"), "200")
        self.assertEqual(self.ask(self.amy, "LOGOUT"), "200")

    def test_gone_before_the_answer(self) -> None:
        """Who leaves before the bank knows who they are leaves nothing behind."""
        waiting: Deferred[Any] = Deferred()
        self.patch(self.bank.branch, "read_pool", lambda *_args, **_kwargs: waiting)
        self.bank.clock.advance(0)
        before = len(self.bank.clock.getDelayedCalls())
        self.bank.operate(AMY).drop()
        waiting.callback(Badge(OperatorRow(1, "amy", Role.TELLER), AMY, None, {}))
        self.bank.clock.advance(0)
        self.assertEqual(len(self.bank.clock.getDelayedCalls()), before)

    def test_perspective(self) -> None:
        """What the portal gives keeps the whole contract."""
        _, operator, _ = self.successResultOf(self.bank.portal.login(OperatorOrigin(Origin(uid=AMY)), None, IOperator))
        verifyObject(IOperator, operator)


class Proved:
    """A certificate that the peer of a TLS connection has proved to be its own."""

    def fingerprint(self, _digest: object) -> bytes:
        """Its digest."""
        return bytes.fromhex(CERTIFICATE)


def failing() -> contextlib.AbstractContextManager[Any]:
    """A way into the database that leads nowhere."""
    raise OSError("no")


class Roles(OperatorCase):
    """The table of verbs and roles, each cell of it."""

    def test_whole(self) -> None:
        """Every verb of operators has its row, but for the one that makes an operator."""
        self.assertEqual({*MAY}, {*acts.ALL} - {acts.Operate})

    def test_every_cell(self) -> None:
        """Each role gets what the table gives it, and 403 for all else."""
        lines = {
            acts.FindAccount: f"FIND_ACCOUNT account={self.alice.account}",
            acts.ListAccounts: "LIST_ACCOUNTS",
            acts.ListCustomers: "LIST_CUSTOMERS",
            acts.FindCustomer: "FIND_CUSTOMER username=alice",
            acts.UnlockCustomer: "UNLOCK_CUSTOMER username=alice reason=x",
            acts.FindEntry: "FIND_ENTRY receipt=1",
            acts.Credit: f"CREDIT account={self.alice.account} amount=1 currency=USD key=a reason=x",
            acts.ReverseEntry: "REVERSE_ENTRY receipt=1 key=b reason=x",
            acts.ResetPin: f"RESET_PIN account={self.alice.account} key=c reason=x",
            acts.FreezeAccount: f"FREEZE_ACCOUNT account={self.alice.account} reason=x",
            acts.UnfreezeAccount: f"UNFREEZE_ACCOUNT account={self.alice.account} key=d reason=x",
            acts.CloseAccount: f"CLOSE_ACCOUNT account={self.alice.account} key=e reason=x",
            acts.Sessions: "SESSIONS",
            acts.EndSession: f"END_SESSION account={self.alice.account} reason=x",
            acts.Proposals: "PROPOSALS",
            acts.Approve: "APPROVE proposal=99",
            acts.Reject: "REJECT proposal=99 reason=x",
            acts.Acts: "ACTS",
            acts.Broadcast: "BROADCAST words=Hello key=d reason=x",
        }
        self.assertEqual({*lines}, {*MAY})
        expected = {
            acts.ListAccounts: "AX", acts.ListCustomers: "AX", acts.FindCustomer: "TAX", acts.UnlockCustomer: "TX",
            acts.FindAccount: "TAX", acts.FindEntry: "TAX", acts.Credit: "TX", acts.ReverseEntry: "TX",
            acts.FreezeAccount: "TX", acts.UnfreezeAccount: "TX", acts.CloseAccount: "TX", acts.Sessions: "TAX",
            acts.EndSession: "TX",
            acts.ResetPin: "TX", acts.Proposals: "TAX", acts.Approve: "X", acts.Reject: "TX", acts.Acts: "AX",
            acts.Broadcast: "X",
        }  # fmt: skip
        for message, line in lines.items():
            for letter, wire in (("T", self.amy), ("A", self.ivy), ("X", self.ben)):
                refused = "t 403 reason=role" in wire.ask(f"t {line}")
                self.assertEqual(refused, letter not in expected[message], (letter, line))


@on_every_engine
class TwoPeople(OperatorCase):
    """A credit, a reversal, a new PIN: one proposes, another approves."""

    def test_credit(self) -> None:
        """Nothing moves before the approval; then the statement has the reason, and each act its record."""
        self.assertTrue(self.credit(self.amy).startswith("202 proposal=1 expires="))
        self.assertEqual(self.balance_minor(), 100_00)
        self.assertTrue(self.ask(self.ben, "APPROVE proposal=1").startswith("200 proposal=1 at="))
        self.assertEqual(self.balance_minor(), 105_00)
        statement = self.bank.log_in(self.alice).ask("s STATEMENT limit=1")
        self.assertIn("kind=deposit amount=500 balance=10500 reference=Found", statement[0])
        self.assertEqual(self.acts(), [("amy", "credit", "proposed"), ("ben", "approve", "done")])
        [entry] = self.ask(self.ivy, "FIND_ENTRY receipt=2").split("\n")
        self.assertIn(f"payee={self.alice.account}", entry)
        self.assertEqual(self.bank.faults(), [])

    def test_key(self) -> None:
        """The same order again is the same proposal, before and after it is decided; another order is refused."""
        first = self.credit(self.amy)
        self.assertEqual(self.credit(self.amy), first)
        self.assertEqual(self.credit(self.amy, amount=501), "409 reason=key")
        done = self.ask(self.ben, "APPROVE proposal=1")
        self.assertEqual(self.credit(self.amy), done)
        self.assertEqual(self.balance_minor(), 105_00)
        self.assertTrue(self.credit(self.ben).startswith("202 proposal=2"), "keys are each operator's own")

    def test_own(self) -> None:
        """Nobody approves what they proposed, not even who owns the bank."""
        for wire in (self.ben, self.bank.operate(0)):
            number = self.credit(wire).split("=")[1].split(" ")[0]
            self.assertEqual(self.ask(wire, f"APPROVE proposal={number}"), "403 reason=own")
        self.assertEqual(self.balance_minor(), 100_00)

    def test_approved_twice(self) -> None:
        """The same approval again has the same answer, and another's comes too late; the money moves once."""
        self.credit(self.amy)
        done = self.ask(self.ben, "APPROVE proposal=1")
        self.assertEqual(self.ask(self.ben, "APPROVE proposal=1"), done)
        self.assertEqual(self.ask(self.bank.operate(0), "APPROVE proposal=1"), "404 reason=proposal")
        self.assertEqual(self.balance_minor(), 105_00)

    def test_expired(self) -> None:
        """After a day a proposal is neither approved nor listed, and its key brings it not back."""
        self.credit(self.amy)
        self.bank.clock.advance(DAY_SECONDS)
        self.amy, self.ben = self.bank.operate(AMY), self.bank.operate(BEN)
        self.assertEqual(self.ask(self.ben, "PROPOSALS"), "200")
        self.assertEqual(self.ask(self.ben, "APPROVE proposal=1"), "404 reason=proposal")
        self.assertEqual(self.credit(self.amy), "404 reason=proposal")

    def test_rejected(self) -> None:
        """Who proposed may take it back, another teller may not, and an administrator rejects any."""
        self.bank.add_operator("tom", Role.TELLER, 1004)
        self.credit(self.amy, "k1")
        self.credit(self.amy, "k2")
        self.assertEqual(self.ask(self.bank.operate(1004), "REJECT proposal=1 reason=No"), "403 reason=role")
        self.assertEqual(self.ask(self.amy, "REJECT proposal=1 reason=Typo"), "200")
        for _ in range(2):
            self.assertEqual(self.ask(self.ben, "REJECT proposal=2 reason=No"), "200")
        self.assertEqual(self.acts()[-1], ("ben", "reject", "done"))
        self.assertEqual(len(self.acts()), 5, "what is asked again is not recorded again")
        for wire, line in ((self.ben, "APPROVE proposal=2"), (self.ben, "REJECT proposal=1 reason=No")):
            self.assertEqual(self.ask(wire, line), "404 reason=proposal")
        self.assertEqual(self.credit(self.amy, "k1"), "404 reason=proposal")
        self.assertEqual(self.balance_minor(), 100_00)

    def test_reversal(self) -> None:
        """A payment is given back in the amount that was left when it was proposed."""
        bob = self.bank.add_customer("bob")
        self.bank.log_in(self.alice).ask(f"p TRANSFER to={bob.account} amount=3000 currency=USD key=p")
        self.assertTrue(self.ask(self.amy, "REVERSE_ENTRY receipt=2 key=r reason=Twice").startswith("202 proposal=1"))
        self.assertTrue(self.ask(self.amy, "REVERSE_ENTRY receipt=2 key=r reason=Twice").startswith("202 proposal=1"))
        self.assertEqual(self.ask(self.amy, "REVERSE_ENTRY receipt=2 amount=1 key=r reason=Twice"), "409 reason=key")
        [listed, _] = self.ivy.ask("l PROPOSALS")
        self.assertIn(f"reason=Twice account={bob.account} receipt=2 amount=3000 currency=USD", listed)
        self.assertTrue(self.ask(self.ben, "APPROVE proposal=1").startswith("200 proposal=1"))
        self.assertEqual((self.balance_minor(), self.balance_minor(bob)), (100_00, 0))
        self.assertEqual(self.bank.faults(), [])

    def test_refused_by_the_ledger(self) -> None:
        """What the ledger refuses stays open and is recorded, and can be approved once it is possible."""
        bob = self.bank.add_customer("bob")
        alice = self.bank.log_in(self.alice)
        alice.ask(f"p TRANSFER to={bob.account} amount=3000 currency=USD key=p")
        self.ask(self.amy, "REVERSE_ENTRY receipt=2 key=r reason=Twice")
        self.bank.log_in(bob).ask("w WITHDRAW amount=3000 currency=USD key=w")
        self.assertEqual(self.ask(self.ben, "APPROVE proposal=1"), "402 reason=funds")
        self.assertEqual(self.acts()[-1], ("ben", "approve", "funds"))
        alice.ask(f"p TRANSFER to={bob.account} amount=3000 currency=USD key=q")
        self.assertTrue(self.ask(self.ben, "APPROVE proposal=1").startswith("200 "))
        self.assertEqual(self.balance_minor(bob), 0)
        self.assertEqual(self.bank.faults(), [])

    def test_at_the_same_moment(self) -> None:
        """Two administrators approve on two nodes at once: one of them does, and the money moves once."""
        self.credit(self.amy)
        url = self.bank.store.url.render_as_string(hide_password=False)
        other = Store(url, self.bank.store.chain_key, self.bank.clock.seconds)
        self.addCleanup(other.close)
        refused: list[str] = []
        begun = Event()

        def approve_too() -> None:
            begun.set()
            try:
                with other.writing() as tx:
                    proposals.approve(tx, OperatorRow(operators.OWNER_ID, "root", Role.ADMINISTRATOR), 1)
            except Refused as refusal:
                refused.append(refusal.code.reason)

        thread = Thread(target=approve_too)
        with self.bank.store.writing() as tx:
            proposals.approve(tx, OperatorRow(2, "ben", Role.ADMINISTRATOR), 1)
            thread.start()
            begun.wait(DEADLINE_SECONDS)
        thread.join(DEADLINE_SECONDS)
        self.assertEqual(refused, ["proposal"])
        self.assertEqual(self.balance_minor(), 105_00)
        self.assertEqual(self.bank.faults(), [])


@on_servers
class Locks(OperatorCase):
    """Two nodes on one database."""

    def test_decided_by_one(self) -> None:
        """Whoever is about to decide a proposal has its row to themselves."""
        self.credit(self.amy)
        url = self.bank.store.url.render_as_string(hide_password=False)
        other = Store(url, self.bank.store.chain_key, self.bank.clock.seconds)
        self.addCleanup(other.close)
        with self.bank.store.writing() as tx:
            proposal_rows.to_decide(tx, 1)
            with self.assertRaises(DatabaseFault), other.writing() as too:
                too.connection.execute(select(schema.proposals.c.id).with_for_update(nowait=True))


class OnePerson(OperatorCase):
    """A bank in which one person is enough."""

    two_people = False

    def test_at_once(self) -> None:
        """An order is carried out at once, once for its key, and what is refused leaves nothing but its record."""
        done = self.credit(self.amy)
        self.assertTrue(done.startswith("200 proposal=1 at="), done)
        self.assertEqual(self.credit(self.amy), done)
        self.assertEqual(self.balance_minor(), 105_00)
        self.assertEqual(self.credit(self.amy, "big", 999_999_999_999_999), "422 reason=balance_limit")
        self.assertEqual(self.ask(self.ivy, "PROPOSALS"), "200")
        self.assertEqual(self.acts(), [("amy", "credit", "done"), ("amy", "credit", "balance_limit")])
        self.assertTrue(self.credit(self.amy, "big", 1).startswith("200 proposal=2 "), "the key was not used up")

    def test_reversal_of_closed_accounts(self) -> None:
        """A payment of an account that is closed is refused for that, also where more is asked than is left of it."""
        bob = self.bank.add_customer("bob", deposit_minor=100)
        wire = self.bank.log_in(bob)
        wire.ask("w WITHDRAW amount=100 currency=USD key=w", f"d DELETE_ACCOUNT pin={bob.pin}")
        for amount in (100, 101):
            asked = f"REVERSE_ENTRY receipt=3 amount={amount} key=r{amount} reason=Found"
            self.assertEqual(self.ask(self.amy, asked), "404 reason=account")

    def test_new_pin(self) -> None:
        """A new PIN goes to the customer's device, and works; no answer and no record has it."""
        asked = f"RESET_PIN account={self.alice.account} key=k reason=Lost"
        done = self.ask(self.amy, asked)
        self.assertTrue(done.endswith(" by=sms to=%E2%80%A601"), done)
        [(contact, parcel)] = self.bank.post.sent
        self.assertEqual(contact.mobile, self.alice.mobile)
        [pin] = [word.rstrip(".") for word in parcel.text.split() if word.rstrip(".").isdigit()]
        self.assertNotIn(pin, done + repr(parcel) + str(self.ivy.ask("t ACTS")))
        self.assertEqual(self.log_in(self.alice.pin), "401 reason=credentials")
        self.assertTrue(self.log_in(pin).startswith("200 "))
        self.assertNotIn("by=", self.ask(self.amy, asked))
        self.assertEqual(len(self.bank.post.sent), 1, "asked again, nothing is sent again")

    def test_pin_of_who_cannot_be_reached(self) -> None:
        """Without a device the PIN is void; who has no password either is not locked out."""
        self.patch(PracticePost, "route", lambda _post, _contact: None)
        asked = f"RESET_PIN account={self.alice.account} key=k reason=Lost"
        self.assertRegex(self.ask(self.amy, asked), r"^200 proposal=1 at=[^ ]+$")
        self.assertEqual(self.log_in(self.alice.pin), "401 reason=credentials")
        wire = self.bank.connect()
        self.assertIn(" 200 ", wire.ask("l LOGIN username=alice password=password%20of%20alice")[0])
        self.bank.connect().ask("l LOGIN mobile=+12025550177 pin=59371")
        [line, _] = self.amy.ask("t FIND_ACCOUNT mobile=+12025550177")
        number = line.split("account=")[1].split(" ")[0]
        self.assertEqual(self.ask(self.amy, f"RESET_PIN account={number} key=m reason=Lost"), "403 reason=device")

    def test_pin_that_was_not_sent(self) -> None:
        """When the device cannot be reached after all the answer says that nothing was sent."""
        for key, error in (("k", NotDelivered("no network")), ("m", Refused(codes.BUSY))):
            self.patch(PracticePost, "send", lambda *_, error=error: fail(error))
            done = self.ask(self.amy, f"RESET_PIN account={self.alice.account} key={key} reason=Lost")
            self.assertRegex(done, "^200 proposal=[12] at=[^ ]+$")

    def test_no_account(self) -> None:
        """A PIN, or money, for an account that there is not, or that is closed, is refused."""
        self.assertEqual(self.ask(self.amy, "RESET_PIN account=99 key=k reason=x"), "404 reason=account")
        with self.bank.store.writing() as tx:
            customers.change_account(tx, self.alice.account_id, balance_minor=0, closed_us=tx.at_us)
        self.assertEqual(self.credit(self.amy), "404 reason=account")

    def log_in(self, pin: str) -> str:
        """Log in by account and PIN, and leave."""
        wire = self.bank.connect()
        answer = self.ask(wire, f"LOGIN account={self.alice.account} pin={pin}")
        wire.drop()
        return answer


class Orders(OperatorCase):
    """What can be known to be wrong with an order is told to who proposes it."""

    def test_credit(self) -> None:
        """Another currency, also one that there is not, and an unknown account."""
        asked = f"CREDIT account={self.alice.account} amount=5 key=k reason=x currency"
        self.assertEqual(self.ask(self.amy, f"{asked}=EUR"), "422 reason=currency")
        self.assertEqual(self.ask(self.amy, f"{asked}=XQZ"), "422 reason=currency")
        self.assertEqual(
            self.ask(self.amy, "CREDIT account=99 amount=5 key=k reason=x currency=USD"), "404 reason=account"
        )
        self.assertEqual([act[1:] for act in self.acts()], [("credit", "currency")] * 2 + [("credit", "account")])

    def test_reversal(self) -> None:
        """An entry that there is not, a hold, a reversal, and more than is left."""
        mine: dict[str, Any] = {
            "customer_id": self.alice.customer_id,
            "account_id": self.alice.account_id,
            "fence": None,
        }
        with self.bank.store.writing() as tx:
            apply = self.bank.lane._apply
            apply(tx, [Hold(**mine, key="h", amount_minor=100, currency="USD", seconds=60)])
            apply(tx, [Capture(**mine, key="c", of_id=2)])
            apply(tx, [Reversal(**mine, key="r", of_id=3, amount_minor=40)])
        for line, answer in (
            ("receipt=99", "404 reason=entry"),
            ("receipt=2", "404 reason=entry"),
            ("receipt=4", "404 reason=entry"),
            ("receipt=3 amount=61", "422 reason=left"),
        ):
            self.assertEqual(self.ask(self.amy, f"REVERSE_ENTRY {line} key=k reason=x"), answer, line)
        self.assertIn("left=60 ", self.ask(self.amy, "FIND_ENTRY receipt=3"))
        self.assertIn("left=0 ", self.ask(self.amy, "FIND_ENTRY receipt=4"))
        self.assertEqual(self.ask(self.amy, "FIND_ENTRY receipt=99"), "404 reason=entry")
        with self.bank.store.reading() as connection:
            details = connection.execute(select(schema.acts.c.details).order_by(schema.acts.c.id)).scalars().all()
        self.assertEqual(
            details, [f"all that is left of receipt {n}" for n in (99, 2, 4)] + ["61 minor units of receipt 3"]
        )

    def test_unknown_proposal(self) -> None:
        """A proposal that there is not is neither approved nor rejected."""
        self.assertEqual(self.ask(self.ben, "APPROVE proposal=7"), "404 reason=proposal")
        self.assertEqual(self.ask(self.ben, "REJECT proposal=7 reason=x"), "404 reason=proposal")

    def test_new_pin_of_two(self) -> None:
        """The PIN is made, and sent, when it is approved."""
        self.ask(self.amy, f"RESET_PIN account={self.alice.account} key=k reason=Lost")
        self.assertEqual(self.bank.post.sent, [])
        self.assertIn(" by=sms ", self.ask(self.ben, "APPROVE proposal=1"))
        self.assertEqual(len(self.bank.post.sent), 1)


class Looking(OperatorCase):
    """What operators look up."""

    def test_accounts(self) -> None:
        """By number also a closed account, by user name and mobile number the open ones; each look is recorded."""
        self.bank.log_in(self.alice).ask("o OPEN_ACCOUNT")
        for line, count in (
            (f"account={self.alice.account}", 1),
            ("username=alice", 2),
            (f"mobile={self.alice.mobile}", 2),
        ):
            found = self.ivy.ask(f"t FIND_ACCOUNT {line}")
            self.assertEqual(len(found), count + 1)
            self.assertIn(f"- account={self.alice.account} currency=USD balance=10000 available=10000 ", found[0])
            self.assertIn(f" username=alice mobile={self.alice.mobile}", found[0])
        for line in ("account=99", "username=nobody", "mobile=+12025550199"):
            self.assertEqual(self.ask(self.ivy, f"FIND_ACCOUNT {line}"), "404 reason=account")
        self.assertEqual(self.ask(self.ivy, "FIND_ACCOUNT mobile=0000"), "400 reason=field field=mobile")
        outcomes = [outcome for _, verb, outcome in self.acts() if verb == "find_account"]
        self.assertEqual(outcomes, ["done"] * 3 + ["account"] * 3 + ["field"])

    def test_pages(self) -> None:
        """Acts come in pages: the newest, or those after one that is known."""
        with self.bank.store.writing() as tx:
            for number in range(102):
                operator_rows.record(
                    tx, OperatorRow(1, "amy", Role.TELLER), operator_rows.Deed("credit", str(number)), "done"
                )
        numbers = [line.split("act=")[1].split(" ")[0] for line in self.ivy.ask("t ACTS")[:-1]]
        self.assertEqual((len(numbers), numbers[0], numbers[-1]), (100, "3", "102"))
        numbers = [line.split("act=")[1].split(" ")[0] for line in self.ivy.ask("t ACTS since=100")[:-1]]
        self.assertEqual(numbers, ["101", "102"])
        self.credit(self.amy)
        self.assertEqual(len(self.ivy.ask("t PROPOSALS")), 2)
        self.assertEqual(len(self.ivy.ask("t PROPOSALS since=1")), 1)
