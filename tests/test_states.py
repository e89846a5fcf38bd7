"""Which verb may be used when."""

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.wire import acts, messages, states
from bankd.wire.states import RULES, State


class StateTests(SynchronousTestCase):
    """The table of verbs and states."""

    def test_whole(self) -> None:
        """Every request has its row, in the order of the specification."""
        self.assertEqual(tuple(RULES), messages.ALL)

    def test_visitor(self) -> None:
        """Before log-in one can sign up, log in, leave or say nothing; all else needs a log-in (S0.18, S2.3, S4.6)."""
        allowed = {message.verb for message in messages.ALL if states.obstacle(State.VISITOR, message) is None}
        self.assertEqual(allowed, {"SIGNUP", "LOGIN", "ONE_TIME", "KEYS", "SEALED", "NOOP", "LOGOUT", "OPERATE"})
        refusals = {states.obstacle(State.VISITOR, message) for message in messages.ALL} - {None}
        self.assertEqual(refusals, {codes.NEEDS_LOGIN})

    def test_customer(self) -> None:
        """After log-in everything is allowed but to sign up and to log in again, and what is for operators."""
        refused = {message.verb for message in messages.ALL if states.obstacle(State.CUSTOMER, message)}
        self.assertEqual(refused, {"SIGNUP", "LOGIN"} | {message.verb for message in acts.ALL})
        self.assertEqual(states.obstacle(State.CUSTOMER, messages.Login), codes.BAD_STATE)

    def test_operator(self) -> None:
        """An operator may use no verb of customers, and a customer none of operators."""
        allowed = {message for message in messages.ALL if states.obstacle(State.OPERATOR, message) is None}
        self.assertEqual(allowed, {*acts.ALL, messages.Noop, messages.Logout} - {acts.Operate})
        self.assertEqual(states.obstacle(State.OPERATOR, messages.Transfer), codes.BAD_STATE)
        self.assertEqual(states.obstacle(State.VISITOR, acts.Credit), codes.NEEDS_LOGIN)

    def test_overlaps(self) -> None:
        """Only what moves money by a key may be under way beside others of its kind."""
        overlapping = {message.verb for message in messages.ALL if RULES[message].overlaps}
        money = {"DEPOSIT", "WITHDRAW", "TRANSFER", "BULK", "HOLD", "CAPTURE", "RELEASE", "REVERSE"}
        self.assertEqual(overlapping, money)

    def test_tasks(self) -> None:
        """Keeping a session, its notices included, and asking whom one is about to pay, is no task done (S1.9)."""
        others = {message.verb for message in messages.ALL if not RULES[message].task}
        keeping = {
            "LOGIN",
            "ONE_TIME",
            "KEYS",
            "SEALED",
            "PAYEE",
            "LISTEN",
            "CONFIRM",
            "NOTICES",
            "ACKNOWLEDGE",
            "NOOP",
            "LOGOUT",
        }
        self.assertEqual(others, keeping | {message.verb for message in acts.ALL})
