"""The requests as values."""

from twisted.trial.unittest import SynchronousTestCase

from bankd.wire import acts, codec, grammar, messages
from bankd.wire.messages import Message

SECRETS = (grammar.PASSWORD, grammar.PIN)


class MessageTests(SynchronousTestCase):
    """Every request, and the whole of them."""

    def test_all(self) -> None:
        """Every request that the module defines stands once in the specification's order."""
        defined = {value for value in vars(messages).values() if isinstance(value, type) and issubclass(value, Message)}
        self.assertEqual(set(messages.ALL), (defined - {Message}) | set(acts.ALL))
        self.assertEqual(len(messages.ALL), len(set(messages.ALL)))

    def test_by_verb(self) -> None:
        """Every verb leads to its request."""
        self.assertEqual([messages.BY_VERB[message.verb] for message in messages.ALL], list(messages.ALL))

    def test_no_secret_is_shown(self) -> None:
        """A request that carries a secret does not show it when printed, so that no log or traceback has it."""
        with_secrets = {m for m in messages.ALL if any(field.kind in SECRETS for field in codec.fields_of(m))}
        self.assertEqual(len(with_secrets), 7)
        for message in with_secrets:
            values = {field.attribute: "s3cret" for field in codec.fields_of(message)}
            self.assertNotIn("s3cret", repr(message(**values)))

    def test_frozen(self) -> None:
        """A request does not change once it was made, and has no room for more."""
        request = messages.Acknowledge(upto=3)
        self.assertRaises(AttributeError, setattr, request, "upto", 4)
        self.assertFalse(hasattr(request, "__dict__"))

    def test_money_has_a_key_and_a_currency(self) -> None:
        """Every request with an amount also names its currency and carries a key."""
        for message in messages.ALL:
            names = {field.name for field in codec.fields_of(message) if field.required}
            self.assertEqual("amount" in names, {"amount", "currency", "key"} <= names, message.verb)

    def test_nobody_names_an_account_to_act_on(self) -> None:
        """After log-in no request of a customer says whose account it is about, only whom to pay (S2.8)."""
        for message in set(messages.ALL) - set(acts.ALL):
            accounts = {field.name for field in codec.fields_of(message) if field.kind is grammar.ACCOUNT}
            self.assertLessEqual(accounts, {"account"} if message is messages.Login else {"to", "payout"})

    def test_ways(self) -> None:
        """Fields that go together are fields of their request, and none of them is always required."""
        for message in messages.ALL:
            fields = {field.name: field for field in codec.fields_of(message)}
            for name in frozenset().union(*message.ways):
                self.assertFalse(fields[name].required, f"{message.verb} {name}")
