"""Small faults, each a line of the bank that is otherwise: the sort of thing that a change brings in unseen.

Each names its file, the text that stands there once, and what stands there in its place. A test sees to it that all of
them still fit the bank as it is.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in words, the ``file`` of ``bankd``, and ``old`` text with the ``new`` one that makes it so."""

    what: str
    file: str
    old: str
    new: str


FAULTS = (
    # The ledger's decisions.
    Fault(
        "funds are not looked at",
        "ledger/books.py",
        "return self.balance_minor - self.held_minor - amount_minor >= self.floor_minor",
        "return True",
    ),
    Fault(
        "what holds set aside may be spent",
        "ledger/books.py",
        "return self.balance_minor - self.held_minor - amount_minor >= self.floor_minor",
        "return self.balance_minor - amount_minor >= self.floor_minor",
    ),
    Fault(
        "a swapped sign: the payer's balance grows",
        "ledger/books.py",
        "debit.balance_minor - moved,",
        "debit.balance_minor + moved,",
    ),
    Fault("the payee is not credited", "ledger/books.py", "credit.move(moved, entry.id)", "credit.move(0, entry.id)"),
    Fault(
        "an event of the payee has no number",
        "ledger/books.py",
        "            credit.events + 1,\n",
        "            credit.events,\n",
    ),
    Fault("a fence is not checked", "ledger/book.py", "if command.fence not in (None, own.fence):", "if False:"),
    Fault(
        "a fence is taken that is newer or older",
        "ledger/book.py",
        "if command.fence not in (None, own.fence):",
        "if command.fence is not None and command.fence > own.fence:",
    ),
    Fault(
        "a key is forgotten once its entry is made",
        "ledger/book.py",
        "    if used in books.entries:\n        entry",
        "    if False:\n        entry",
    ),
    Fault(
        "a refusal is not kept under its key",
        "ledger/book.py",
        "        return books.keep(command, refused.code)\n    if isinstance(command, Sequel)",
        "        return Outcome(refused.code)\n    if isinstance(command, Sequel)",
    ),
    Fault(
        "a set that is refused is not taken back",
        "ledger/book.py",
        "            books.take_back(posted, before)\n",
        "",
    ),
    Fault(
        "a set that goes together is made one by one",
        "ledger/book.py",
        "if bulk.together and known is None:",
        "if False:",
    ),
    Fault(
        "a hold is captured after its time",
        "ledger/rules.py",
        "    if held.expires_us <= books.at_us:\n        raise Refused(codes.NO_HOLD)\n    if payee.closed",
        "    if payee.closed",
    ),
    Fault(
        "more is captured than was held",
        "ledger/rules.py",
        "    if amount_minor > held.amount_minor:\n        raise Refused(codes.MORE_THAN_LEFT)\n",
        "",
    ),
    Fault(
        "what a hold set aside is not freed when it ends",
        "ledger/rules.py",
        "payer.held_minor -= held.amount_minor",
        "payer.held_minor -= 0",
    ),
    Fault("a hold sets nothing aside", "ledger/rules.py", "    own.held_minor += amount_minor\n", ""),
    Fault(
        "a payment is given back as often as is asked",
        "ledger/rules.py",
        "books.reversed[original.id] = books.reversed.get(original.id, 0) + amount_minor",
        "books.reversed[original.id] = 0",
    ),
    Fault(
        "a reversal goes the way of the payment",
        "ledger/rules.py",
        "return books.post(command, payee, payer, amount_minor, original.id)",
        "return books.post(command, payer, payee, amount_minor, original.id)",
    ),
    Fault(
        "giving back overdraws the payee",
        "ledger/rules.py",
        "    if not payee.can_give(amount_minor):\n        raise Refused(codes.NO_FUNDS)\n",
        "",
    ),
    Fault(
        "the fee goes unchecked", "ledger/rules.py", "own.can_give(command.amount_minor + fee_minor)", "own.can_give(1)"
    ),
    Fault(
        "the chain leaves the link before out",
        "ledger/chain.py",
        "hmac.digest(key, before + _encode(fields)",
        "hmac.digest(key, _encode(fields)",
    ),
    # The store.
    Fault(
        "the fence stays when a lease changes hands",
        "store/sessions.py",
        ".values(fence=row.fence + 1, **held)",
        ".values(fence=row.fence, **held)",
    ),
    Fault(
        "a lease is taken though another has it",
        "store/sessions.py",
        "if row.expires_us > tx.at_us and not over:",
        "if False:",
    ),
    Fault(
        "a lease that nobody took may be renewed by anybody",
        "store/sessions.py",
        "    held = (leases.c.account_id == account_id) & (leases.c.fence == fence)\n    return tx.connection",
        "    held = leases.c.account_id == account_id\n    return tx.connection",
    ),
    Fault(
        "a lease never ends", "store/sessions.py", 'tx.at_us + seconds * 1_000_000, "since_us"', '1 << 62, "since_us"'
    ),
    Fault(
        "a log-out does not free the account",
        "store/sessions.py",
        "return _set_expiry(tx, account_id, fence, 0)",
        "return True",
    ),
    Fault(
        "keys of other customers are looked up",
        "store/journal.py",
        "entries={(entry.customer_id, entry.key): entry for",
        "entries={(0, entry.key): entry for",
    ),
    Fault(
        "kept outcomes are not written",
        "store/journal.py",
        "    if books.noted:\n        tx.connection.execute(insert(outcomes)",
        "    if False:\n        tx.connection.execute(insert(outcomes)",
    ),
    Fault(
        "of the accounts that moved one is not written",
        "store/journal.py",
        "for account_id in moved])",
        "for account_id in moved[:-1] or moved])",
    ),
    Fault(
        "holds are never written off",
        "store/holds.py",
        "        run(delete(holds).where(holds.c.id.in_(ended)))\n",
        "        pass\n",
    ),
    Fault(
        "what was given back is not added up",
        "store/holds.py",
        "        {row.entry_id: row.reversed_minor for row in before},\n",
        "        {},\n",
    ),
    Fault(
        "a notice has a row and no number",
        "store/outbox.py",
        "    tx.connection.execute(update(accounts).where(mine).values(events=accounts.c.events + 1))\n    number",
        "    number",
    ),
    Fault(
        "how far a broadcast came is not kept", "store/broadcasts.py", '{"passed_id": passed_id,', '{"passed_id": 0,'
    ),
    Fault(
        "a failed commit passes for a good one",
        "store/engines.py",
        '                        raise Unknown(f"at a commit: {error}") from error\n',
        "                        return\n",
    ),
    Fault(
        "a connection that failed is used again",
        "store/engines.py",
        "                    connection.invalidate()\n",
        "",
    ),
    Fault(
        "an errand that was refused is stored",
        "lane.py",
        "        with tx.part():\n            return errand(tx)\n",
        "        return errand(tx)\n",
    ),
    Fault(
        "a batch that failed at the commit is done again",
        "lane.py",
        "                if not is_undone(error):\n                    raise\n",
        "                pass\n",
    ),
    Fault(
        "answers go out in another order",
        "lane.py",
        "zip(waiting, results, strict=True)",
        "zip(waiting, results[::-1], strict=True)",
    ),
    Fault(
        "notices go out before the commit",
        "lane.py",
        "            decided = self._seconds()\n",
        "            decided = self._seconds()\n            [tell(tx.events, decided) for tell in self._committed]\n",
    ),
    # Who gets in.
    Fault(
        "a one-time password does as often as is liked",
        "bank/one_time.py",
        "state = State.SPENT if row.purpose in AT_LOGIN else State.ANSWERED",
        "state = State.OPEN",
    ),
    Fault(
        "a spent challenge is answered again",
        "bank/one_time.py",
        "if row is None or row.state != State.OPEN or row",
        "if row is None or row",
    ),
    Fault(
        "a session that was taken over still reads and pays",
        "bank/access.py",
        "    if not sessions.renew(tx, session.account_id, session.fence, session.welcome.lease_seconds):",
        "    if False:",
    ),
    Fault(
        "a log-out ends nothing",
        "bank/access.py",
        "    sessions.release(tx, session.account_id, session.fence)\n",
        "    pass\n",
    ),
    # The wire.
    Fault(
        "an answer is given twice",
        "protocols/line.py",
        "        self._send(octets)\n        if answer.ends",
        "        self._send(octets)\n        self._send(octets)\n        if answer.ends",
    ),
    Fault(
        "answers leave as they are ready",
        "protocols/queue.py",
        "        turn.answer = answer\n",
        "        turn.answer = answer\n        self._begun.remove(turn)\n        self._begun.appendleft(turn)\n",
    ),
    Fault(
        "a datagram tells of one event too many",
        "store/outbox.py",
        "Event(debit.id, paid.event,",
        "Event(debit.id, paid.event + 1,",
    ),
    Fault(
        "the client makes a new key when it asks again",
        "client/lifeline.py",
        "        for owed in list(self._owed):\n            self._send(owed)\n",
        "        for owed in list(self._owed):\n            if owed.moves_money:\n"
        "                owed.request = replace(owed.request, key=self.bank.new_key())\n            self._send(owed)\n",
    ),
    Fault(
        "the client asks a busy bank no more",
        "client/lifeline.py",
        "elif owed.moves_money and answer.code.number >= 500:",
        "elif False:",
    ),
)
"""Every fault that is planted."""
