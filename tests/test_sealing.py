"""Sealed requests and sealed sessions, as the bank's side of a connection takes them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

from joserfc import jwe
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd import codes
from bankd.codes import Refused
from bankd.ibank import ISeals
from bankd.records import Sealing
from bankd.sealing_keys import DAY
from bankd.signing import PublicKey
from bankd.testing import PracticeBank, Stepped, Wire
from bankd.wire import codec, key_set, messages, seal
from bankd.wire.seal import Sealed, SealingKey
from bankd.wire.sealed_lines import MAX_SEALED, SealedLines, both_ways

BROKEN = "* 400 reason=seal"


class Sealer:
    """The client's end of sealing on one connection, by hand."""

    def __init__(self, wire: Wire, now: float) -> None:
        self.wire = wire
        (line,) = wire.ask("k KEYS")
        fields = codec.read_reply(line.encode()).fields
        self.nonce = fields["nonce"]
        self.key: SealingKey = key_set.read(PublicKey.from_x(fields["identity"]), fields["keys"], now)
        self.count = 0
        self.near: SealedLines | None = None

    def jwe(self, request: str, session: bytes | None = None, **changes: Any) -> str:
        """``request`` under seal; ``changes`` are what is sealed otherwise than is right."""
        sealed = replace(Sealed(self.nonce, self.count, request, session), **changes)
        self.count += 1
        return seal.seal(sealed, self.key)

    def ask(self, tag: str, request: str, **changes: Any) -> list[str]:
        """What a request that is sealed by itself is answered."""
        return self.wire.ask(f"{tag} SEALED jwe={self.jwe(request, **changes)}")

    def begin(self, request: str = "NOOP", tag: str = "s") -> str:
        """The line that begins a sealed session."""
        secret = os.urandom(32)
        self.near, self.far = both_ways(secret, self.nonce)
        return f"{tag} SEALED jwe={self.jwe(request, secret)}"

    def sealed(self, *lines: str) -> list[str]:
        """Lines of the session, as they travel."""
        assert self.near is not None
        return [self.near.seal(line.encode()).decode() for line in lines]

    def opened(self, lines: list[str]) -> list[str]:
        """What the bank said in the session."""
        return [self.far.unseal(line.encode()).decode() for line in lines]


class SealingCase(SynchronousTestCase):
    """A bank with two customers."""

    sealing = Sealing.NO

    def setUp(self) -> None:
        self.pool = Stepped()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.bank = PracticeBank(self.folder, seal_pool=self.call)
        self.bank.branch.sealing = self.sealing
        self.addCleanup(self.bank.close)
        self.stepped = False
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.bob = self.bank.add_customer("bob")

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """The pool that opens seals: at once, or when the test says so."""
        done = self.pool(function, *args, **kwargs)
        if not self.stepped:
            self.pool.drain()
        return done

    @property
    def log_in(self) -> str:
        """The request by which alice logs in."""
        return f"LOGIN account={self.alice.account} pin={self.alice.pin}"

    def connect(self) -> Sealer:
        """A connection whose client has the bank's key."""
        return Sealer(self.bank.connect(), self.bank.clock.seconds())

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A while in which the bank opens no seal."""
        seals = self.bank.branch.seals
        self.bank.branch.seals = Mock(unseal=lambda _jwe, _comer: defer.fail(Refused(codes.BUSY)))
        yield
        self.bank.branch.seals = seals

    def assertClosed(self, wire: Wire, said: list[str], why: str = BROKEN) -> None:
        """The bank has said why, and closed; nothing was changed."""
        self.assertEqual(said, [why])
        self.assertFalse(wire.connected)
        self.assertEqual(self.bank.faults(), [])


class ByItself(SealingCase):
    """Requests that are sealed one by one."""

    def test_interface(self) -> None:
        """What opens seals keeps its contract."""
        verifyObject(ISeals, self.bank.branch.seals)

    def test_log_in(self) -> None:
        """A sealed request is carried out as if it had come in the clear, and answered under the outer tag."""
        line = self.connect()
        (answer,) = line.ask("a1", self.log_in)
        self.assertEqual(answer, f"a1 200 account={self.alice.account} currency=USD lease=30")
        self.assertEqual(line.ask("a2", "BALANCE")[0].split()[:2], ["a2", "200"])
        self.assertEqual(line.wire.ask("a3 BALANCE")[0].split()[:2], ["a3", "200"])

    def test_states_hold(self) -> None:
        """What a connection's state refuses in the clear it refuses under seal, and so with wrong requests."""
        line = self.connect()
        self.assertEqual(line.ask("a1", "BALANCE"), ["a1 401 reason=login"])
        self.assertEqual(line.ask("a2", "DANCE"), ["a2 400 reason=verb"])
        self.assertEqual(line.ask("a3", "no request"), ["a3 400 reason=line"])
        self.assertEqual(line.ask("a4", "LOGIN pin=x"), ["a4 400 reason=field field=pin"])
        self.assertEqual(line.ask("a5", "LOGIN account=1 pin=1234"), ["a5 401 reason=credentials"])
        line.ask("a6", self.log_in)
        self.assertEqual(line.ask("a7", self.log_in), ["a7 403 reason=state"])
        self.assertEqual(line.ask("a8", "LOGOUT"), ["a8 200"])
        self.assertFalse(line.wire.connected)

    def test_nonce(self) -> None:
        """A connection has one nonce, and no other connection the same."""
        line, other = self.connect(), self.connect()
        self.assertEqual(Sealer(line.wire, self.bank.clock.seconds()).nonce, line.nonce)
        self.assertNotEqual(other.nonce, line.nonce)
        self.assertClosed(other.wire, other.ask("a1", self.log_in, nonce=line.nonce))

    def test_replay(self) -> None:
        """The same sealed request again is refused, on its own connection and on another."""
        line = self.connect()
        text = line.jwe(self.log_in)
        line.wire.ask(f"a1 SEALED jwe={text}", "a2 WITHDRAW amount=100 currency=USD key=k")
        self.assertClosed(line.wire, line.wire.ask(f"a3 SEALED jwe={text}"))
        other = self.connect()
        self.assertClosed(other.wire, other.wire.ask(f"a1 SEALED jwe={text}"))

    def test_before_keys(self) -> None:
        """Who has not asked for a nonce has none."""
        line, wire = self.connect(), self.bank.connect()
        self.assertClosed(wire, wire.ask(f"a1 SEALED jwe={line.jwe('NOOP', nonce='0' * 32)}"))

    def test_count(self) -> None:
        """A gap in the count is refused, and so is a step back."""
        for count in (1, -1):
            line = self.connect()
            self.assertClosed(line.wire, line.ask("a1", "NOOP", count=count))

    def test_what_counts(self) -> None:
        """A SEALED with a field at fault does not count; one that the bank has no time to open does."""
        line = self.connect()
        self.assertEqual(line.wire.ask("a1 SEALED jwe=:"), ["a1 400 reason=field field=jwe"])
        self.assertEqual(line.ask("a2", "NOOP"), ["a2 200"])
        with self.busy():
            self.assertEqual(line.ask("a3", "NOOP"), ["a3 503 reason=busy"])
        self.assertEqual(line.ask("a4", "NOOP"), ["a4 200"])
        self.assertEqual(line.ask("a5", ""), ["a5 400 reason=line"])
        self.assertEqual(line.ask("a6", "NOOP"), ["a6 200"])

    def test_pad_is_required(self) -> None:
        """What is sealed has a pad, be it empty."""
        line = self.connect()
        members = {"nonce": line.nonce, "n": 0, "request": "NOOP"}
        header = {"alg": line.key.algorithm, "enc": "A256GCM", "kid": line.key.kid, "typ": seal.TYPE}
        for whole, answer in ((members | {"pad": ""}, "a1 200"), (members | {"n": 1}, BROKEN)):
            text = json.dumps(whole).ljust(seal.PAD).encode()
            sealed = jwe.encrypt_compact(header, text, line.key.key, algorithms=[line.key.algorithm, "A256GCM"])
            self.assertEqual(line.wire.ask(f"a1 SEALED jwe={sealed}"), [answer])

    def test_altered(self) -> None:
        """Any octet that is another than it was closes the connection, and changes nothing."""
        text = self.connect().jwe(self.log_in)
        for place in range(0, len(text), 37):
            line = self.connect()
            text = line.jwe(f"SIGNUP username=mallory password=amber-Kettle-{place} mobile=+12025550000")
            altered = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
            self.assertClosed(line.wire, line.wire.ask(f"a1 SEALED jwe={altered}"))
        self.assertEqual(self.connect().ask("a1", "LOGIN username=mallory password=amber-Kettle-0")[0][:6], "a1 401")

    def test_what_cannot_be_sealed(self) -> None:
        """No seal in a seal, no KEYS, no lines of a set, and no line that is more than one."""
        inner = self.connect().jwe("NOOP")
        for request in (f"SEALED jwe={inner}", "KEYS", "BULK count=1 mode=all currency=USD key=k", "- to=1 amount=1"):
            line = self.connect()
            self.assertClosed(line.wire, line.ask("a1", request))
        line = self.connect()
        self.assertClosed(line.wire, line.ask("a1", "NOOP\r\na2 NOOP"), "* 400 reason=framing")

    def test_no_seal(self) -> None:
        """A SEALED without a seal is a request with a field at fault; one with something else in it is broken."""
        wire = self.bank.connect()
        self.assertEqual(wire.ask("a1 SEALED"), ["a1 400 reason=field field=jwe"])
        self.assertEqual(wire.ask("a2 SEALED jwe=*"), ["a2 400 reason=line"])
        self.assertClosed(wire, wire.ask("a3 SEALED jwe=abc"))

    def test_order(self) -> None:
        """What comes behind a sealed request waits for it, and what was before it is answered before."""
        line = self.connect()
        self.stepped = True
        sent = [
            f"a2 SEALED jwe={line.jwe(self.log_in)}",
            "a3 BALANCE",
            f"a4 SEALED jwe={line.jwe('BALANCE')}",
            "a5 NOOP",
        ]
        self.assertEqual(line.wire.ask("a1 NOOP", *sent), ["a1 200"])
        self.assertTrue(line.wire.protocol.paused)
        self.pool.step()
        self.assertEqual([said.split()[:2] for said in line.wire.received()], [["a2", "200"], ["a3", "200"]])
        self.pool.step()
        self.assertEqual([said.split()[:2] for said in line.wire.received()], [["a4", "200"], ["a5", "200"]])

    def test_stopping_meanwhile(self) -> None:
        """A bank that is stopped still answers what was sealed, and then says that it is closing."""
        line = self.connect()
        self.stepped = True
        self.assertEqual(line.ask("a1", "NOOP"), [])
        self.bank.factory.hang_up()
        self.assertEqual(line.wire.received(), [])
        self.pool.drain()
        self.assertEqual(line.wire.received(), ["a1 200", "* 503 reason=stopping"])

    def test_gone_meanwhile(self) -> None:
        """A peer that left while its request was opened is not logged in."""
        line = self.connect()
        self.stepped = True
        line.ask("a1", self.log_in)
        line.wire.drop()
        self.pool.drain()
        self.stepped = False
        self.assertTrue(self.connect().ask("a1", self.log_in)[0].startswith("a1 200"))

    def test_fault(self) -> None:
        """A fault in what opens seals is logged, and answered as such that the client may ask again."""
        line = self.connect()

        def fail(jwe: str, comer: Any) -> None:
            raise RuntimeError("no such luck")

        self.patch(self.bank.branch.seals, "unseal", fail)
        self.assertEqual(line.ask("a1", "NOOP"), ["a1 503 reason=busy"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_secrets_are_nowhere(self) -> None:
        """What was sealed is in no line that travelled."""
        line = self.connect()
        travelled = line.wire.ask(asked := f"a1 SEALED jwe={line.jwe(self.log_in)}")
        self.assertNotIn(self.alice.pin, asked + "".join(travelled))


class Sessions(SealingCase):
    """Sealed sessions."""

    def begin(self, request: str = "NOOP") -> Sealer:
        """A connection with a sealed session."""
        line = self.connect()
        (answer,) = line.opened(line.wire.ask(line.begin(request)))
        self.assertTrue(answer.startswith("s 200"), answer)
        return line

    def ask(self, line: Sealer, *lines: str) -> list[str]:
        """What lines of the session are answered."""
        return line.opened(line.wire.ask(*line.sealed(*lines)))

    def test_session(self) -> None:
        """Every line is sealed in both directions, sets of lines and lists too, until the end."""
        line = self.begin(self.log_in)
        bulk = [f"b - to={self.bob.account} amount={amount}" for amount in (1, 2)]
        said = self.ask(
            line, "a BALANCE", *bulk, "b BULK count=2 mode=all currency=USD key=k", "c STATEMENT", "d LOGOUT"
        )
        self.assertEqual([words.split()[0] for words in said], ["a", "b", "b", "b", *["c"] * 4, "d"])
        self.assertEqual((said[0].split()[1], said[3].split()[1], said[-1]), ("200", "200", "d 200"))
        self.assertFalse(line.wire.connected)

    def test_with_the_first_line(self) -> None:
        """The session begins right behind the request that carries its secret; what was before is answered in clear."""
        line = self.connect()
        self.stepped = True
        begin = line.begin(self.log_in)
        self.assertEqual(line.wire.ask("a NOOP", begin, *line.sealed("b BALANCE", "c NOOP")), ["a 200"])
        self.pool.drain()
        self.assertEqual([said[:5] for said in line.opened(line.wire.received())], ["s 200", "b 200", "c 200"])

    def test_refused_log_in(self) -> None:
        """A session begins also with a request that is refused, and the refusal is sealed."""
        line = self.connect()
        said = line.wire.ask(line.begin("LOGIN account=1 pin=1234"))
        self.assertEqual(line.opened(said), ["s 401 reason=credentials"])
        self.assertEqual(self.ask(line, f"a {self.log_in}")[0][:5], "a 200")

    def test_busy(self) -> None:
        """No session begins with what the bank has no time to open, and that is said in the clear; but with a request
        that is opened and then answered so."""
        line = self.connect()
        with self.busy():
            self.assertEqual(line.wire.ask(line.begin(self.log_in)), ["s 503 reason=busy"])
        self.assertEqual(line.wire.ask("a NOOP"), ["a 200"])
        self.patch(type(self.bank.branch.lane), "run", lambda *_: defer.fail(Refused(codes.BUSY)))
        self.assertEqual(line.opened(line.wire.ask(line.begin(self.log_in))), ["s 503 reason=busy"])

    def test_framing(self) -> None:
        """An empty line, and one with an end of a line in it, are no lines in a session either."""
        for inner in ("", "a NOOP\nb NOOP"):
            line = self.begin()
            self.assertClosed(line.wire, self.ask(line, inner), "* 400 reason=framing")
        for outer in ("", "a\nb"):
            line = self.begin()
            self.assertClosed(line.wire, line.opened(line.wire.ask(outer)))

    def test_not_this_line(self) -> None:
        """A line repeated, left out, altered, sent back, or in the clear ends it, and says so under seal."""
        withdraw = "w WITHDRAW amount=100 currency=USD key=k"
        for hostile in range(6):
            line = self.begin(self.log_in)
            first, second = line.sealed("a NOOP", withdraw)
            echo = line.wire.ask(first)
            line.opened(echo)
            attack = [first, line.sealed("b NOOP")[0], second[:-1], "A" + second[1:], echo[0], "w NOOP"][hostile]
            if attack == second:
                attack = "B" + second[1:]
            said = line.opened(line.wire.ask(attack, second))
            self.assertClosed(line.wire, said)
        self.assertIn(" balance=10000 ", self.ask(self.begin(self.log_in), "a BALANCE")[0])

    def test_no_second_session(self) -> None:
        """Nothing is sealed twice: in a session there is no SEALED."""
        line = self.begin()
        self.assertClosed(line.wire, self.ask(line, f"a SEALED jwe={line.jwe('NOOP')}"))

    def test_longest_line(self) -> None:
        """A sealed line may be as long as a line seals to, and no longer."""
        line = self.begin()
        self.assertEqual(self.ask(line, "a " + "X" * 4094), ["a 400 reason=line"])
        self.assertClosed(line.wire, line.opened(line.wire.ask("A" * (MAX_SEALED + 1))), "* 413 reason=length")
        line = self.begin()
        self.assertClosed(line.wire, self.ask(line, "a " + "X" * 4095))

    def test_closing_words(self) -> None:
        """What the bank says before it closes is sealed too."""
        line = self.begin()
        self.bank.factory.hang_up()
        self.assertClosed(line.wire, line.opened(line.wire.received()), "* 503 reason=stopping")

    def test_before_the_answer(self) -> None:
        """Until the first answer of the session what the bank says is in the clear: that the seal was broken."""
        line = self.connect()
        begin = line.begin()
        self.assertClosed(line.wire, line.wire.ask(begin[:-1] + ("A" if begin[-1] != "A" else "B")))


class NeedsSecrets(SealingCase):
    """A bank that takes secrets under seal only."""

    sealing = Sealing.SECRETS

    def test_secrets(self) -> None:
        """What carries a secret is refused in the clear, with the codes that go before first, and taken under seal."""
        wire = self.bank.connect()
        sign_up = "SIGNUP username=zoe password=amber-Kettle-40 mobile=+12025550000"
        self.assertEqual(wire.ask(f"a {self.log_in}", f"b {sign_up}"), ["a 403 reason=sealed", "b 403 reason=sealed"])
        self.assertEqual(wire.ask("c CHANGE_PIN new=7913 pin=1"), ["c 401 reason=login"])
        line = Sealer(wire, self.bank.clock.seconds())
        self.assertEqual(line.ask("d", self.log_in)[0][:5], "d 200")
        for verb in (f"CHANGE_PIN new=7913 pin={self.alice.pin}", f"DELETE_ACCOUNT pin={self.alice.pin}"):
            self.assertEqual(wire.ask(f"e {verb}"), ["e 403 reason=sealed"])
        self.assertEqual(wire.ask("f BALANCE")[0][:5], "f 200")

    def test_which(self) -> None:
        """Those are all requests in which a password, a PIN or a code travels."""
        fields = {message: {field.name for field in codec.fields_of(message)} for message in messages.ALL}
        telling = {message.verb for message in fields if fields[message] & {"password", "pin", "new", "code"}}
        self.assertEqual(telling, {message.verb for message in messages.ALL if message.secret})

    def test_in_a_session(self) -> None:
        """In a sealed session everything is sealed."""
        line = self.connect()
        line.opened(line.wire.ask(line.begin()))
        self.assertEqual(line.opened(line.wire.ask(*line.sealed(f"a {self.log_in}")))[0][:5], "a 200")


class NeedsSessions(SealingCase):
    """A bank that takes everything under seal only."""

    sealing = Sealing.SESSION

    def test_all(self) -> None:
        """In the clear a client can ask for the keys, say nothing, and leave."""
        line = self.connect()
        line.ask("a", self.log_in)
        self.assertEqual(line.wire.ask("b BALANCE"), ["b 403 reason=sealed"])
        self.assertEqual(line.ask("c", "BALANCE")[0][:5], "c 200")
        self.assertEqual(line.wire.ask("d NOOP", "e LOGOUT"), ["d 200", "e 200"])

    def test_before_the_session(self) -> None:
        """What came in the clear before a session began is refused, though its turn comes after."""
        line = self.connect()
        begin = line.begin()
        slow: Deferred[None] = Deferred()
        self.patch(self.bank.branch.seals, "published", lambda _: slow)
        self.assertEqual(line.wire.ask("a KEYS", f"b {self.log_in}", begin), [])
        slow.errback(Refused(codes.BUSY))
        said = line.wire.received()
        self.assertEqual(said[:2], ["a 503 reason=busy", "b 403 reason=sealed"])
        self.assertEqual(line.opened(said[2:]), ["s 200"])


class Rotation(SealingCase):
    """The bank's keys over the days, as connections see them."""

    def test_yesterdays_key(self) -> None:
        """What is sealed to yesterday's key is opened for a day more, also though another is published."""
        old = self.connect()
        self.bank.clock.advance(DAY)
        new = self.connect()
        self.assertNotEqual(new.key.kid, old.key.kid)
        new.key = old.key
        self.assertEqual(new.ask("a", "NOOP"), ["a 200"])
        self.bank.clock.advance(DAY)
        late = self.connect()
        late.key = old.key
        self.assertClosed(late.wire, late.ask("a", "NOOP"))
