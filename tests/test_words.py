"""Everything that the bank can say has words, and they say what happened."""

from dataclasses import replace
from datetime import UTC
from itertools import chain

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank.strength import MIN_PASSWORD
from bankd.client import prompts, slips, words
from bankd.client.address import Address
from bankd.client.editor import wrapped
from bankd.client.errors import Cause, Denied, Loss, LostBank, NoBank
from bankd.codes import Code, Refused
from bankd.records import (
    AccountView,
    CustomerView,
    Notice,
    NoticeKind,
    Receipt,
    SignedReceipt,
    Statement,
    StatementEnd,
    StatementLine,
    Welcome,
)
from bankd.wire import messages

MORNING = 1_763_633_700_000_000  # 20 Nov 2025 10:15 UTC


class Codes(SynchronousTestCase):
    """Codes become sentences in one place."""

    def test_every_code_has_words(self) -> None:
        """No code that the bank can send is shown as a mere number."""
        for code in codes.ALL:
            self.assertIn(code, words.CODES)
            self.assertNotIn(str(code.number), words.code(code))

    def test_what_is_no_request_is_an_invalid_request(self) -> None:
        """The two answers to what the bank cannot read are exactly the words that S1.8 asks for."""
        for code in (codes.BAD_LINE, codes.BAD_VERB):
            self.assertEqual(words.refused(Refused(code)), "Invalid Request")

    def test_field_at_fault_is_named(self) -> None:
        """A refused field is called what a person calls it."""
        self.assertEqual(
            words.refused(Refused(codes.BAD_FIELD, "to")),
            "Invalid Request: the account number is missing or not of the right form.",
        )
        self.assertIn("the mobile number", words.refused(Refused(codes.TAKEN, "mobile")))

    def test_way_out_is_named_as_in_the_menu(self) -> None:
        """Who is logged in elsewhere is told to choose there what the menu has."""
        self.assertIn(f"choose {prompts.EXIT} there", words.code(codes.IN_USE))

    def test_incident_is_told(self) -> None:
        """The number under which the bank logged its own fault can be reported."""
        self.assertIn("number 42", words.refused(Denied(codes.INCIDENT, incident="42")))

    def test_how_long_to_wait_is_told(self) -> None:
        """In seconds, or minutes where there are many; without the time, that it takes a while."""
        for seconds, said in ((1, "1 second "), (64, "64 seconds "), (120, "2 minutes "), (3541, "60 minutes ")):
            self.assertIn(f"wait {said}", words.refused(Denied(codes.WAIT, seconds=seconds)))
        self.assertIn("for 60 minutes.", words.refused(Denied(codes.LOCKED, seconds=3600)))
        for code in (codes.WAIT, codes.LOCKED):
            self.assertIn("a while", words.refused(Denied(code)))

    def test_unknown_code_is_told_as_it_is(self) -> None:
        """A newer bank's code means what its number or else its first digit says, and is shown with its word."""
        for number, said in (
            (400, "Invalid Request (400 law)."),
            (401, "Who you are does not entitle you to this (401 law)."),
            (409, "This does not go together with what the bank has on record (409 law)."),
            (422, "The bank cannot accept what was given (422 law)."),
            (503, "The bank cannot do this now (503 law)."),
            (299, "Done."),
            (451, "The bank refused this (451 law)."),
            (551, "The bank cannot do this now (551 law)."),
            (651, "The bank answered 651 (law), which this client does not know."),
        ):
            self.assertEqual(words.code(Code(number, "law", "")), said)

    def test_every_sentence_ends(self) -> None:
        """With or without a field, what is said is whole."""
        for code in codes.ALL:
            for field in (None, "pin"):
                said = words.code(code, field)
                self.assertTrue(said.endswith(".") or said == words.INVALID, said)

    def test_weak(self) -> None:
        """Who chose a weak secret is told what is wanted of a password, of a PIN, or where it may be either of both."""
        length, row = f"at least {MIN_PASSWORD} characters", "digits in a row"
        for field, wanted in (("password", {length}), ("pin", {row}), ("new", {length, row})):
            said = words.code(codes.WEAK_SECRET, field)
            self.assertEqual({part for part in (length, row) if part in said}, wanted)
            self.assertIn(words.FIELDS[field], said)


class Trouble(SynchronousTestCase):
    """What went wrong between client and bank, in words."""

    def test_every_loss_and_every_cause_has_words(self) -> None:
        """Whatever ends a conversation or prevents one is said in a sentence."""
        for loss in Loss:
            self.assertTrue(words.lost(LostBank(loss)).endswith("."))
        about = {"fingerprint": "0f", "file": "known_banks"}
        for cause in Cause:
            said = words.no_bank(NoBank(Address("bank.example", 7), cause, codes.STOPPING, about))
            self.assertTrue(said.endswith("."), said)
            self.assertIn("bank.example", said)

    def test_the_banks_own_warning_comes_first(self) -> None:
        """Where the bank said why it closed, that is what is told."""
        self.assertEqual(words.lost(LostBank(Loss.ENDED, codes.IDLE)), words.CODES[codes.IDLE])


class Notices(SynchronousTestCase):
    """Notices become sentences."""

    def test_every_kind_has_words(self) -> None:
        """Each kind can be told with all that belongs to it, and alone."""
        for kind in NoticeKind:
            self.assertNotIn(kind.value.join("''"), words.kind_alone(kind))
            self.assertNotIn(kind.value.join("''"), words.notice(Notice(number=1, kind=kind, at_us=0)))

    def test_choice_of_notices_is_told(self) -> None:
        """Who chooses what to be told of is told that it was changed."""
        told = words.notice(Notice(3, NoticeKind.PREFERENCES, MORNING))
        self.assertTrue(told.startswith("What you are told of was changed, "), told)

    def test_payment_tells_amount_account_reference_and_balance(self) -> None:
        """What a customer wants to know of a payment stands in one line."""
        notice = Notice(
            number=3,
            kind="received",
            at_us=MORNING,
            amount_minor=123456,
            balance_minor=200000,
            currency="USD",
            counterparty="1000002",
            reference="Rent",
        )
        said = words.notice(notice)
        self.assertIn("You received 1,234.56 USD from account 1000002 (Rent)", said)
        self.assertIn("balance 2,000.00 USD", said)
        self.assertNotIn("\n", said)

    def test_amount_that_left_has_no_sign(self) -> None:
        """'You paid' says already which way the money went."""
        notice = Notice(
            number=3, kind="paid", at_us=0, amount_minor=-100, balance_minor=0, currency="USD", counterparty="1000002"
        )
        self.assertIn("You paid 1.00 USD to account 1000002", words.notice(notice))

    def test_cash_is_no_other_account(self) -> None:
        """Money that is held for cash is set aside and paid without another account."""
        notice = Notice(number=3, kind="hold", at_us=0, amount_minor=-100, balance_minor=0, currency="USD")
        self.assertTrue(words.notice(notice).startswith("1.00 USD was set aside for cash, "))
        self.assertTrue(words.notice(replace(notice, kind="paid")).startswith("You paid 1.00 USD in cash, "))

    def test_reversal_tells_who_gave_back(self) -> None:
        """The same kind of notice goes to both sides of it; without another account the bank itself gave or took."""
        notice = Notice(number=3, kind="reversal", at_us=0, amount_minor=-100, currency="USD", counterparty="1000002")
        for amount_minor, counterparty, told in (
            (-100, "1000002", "1.00 USD went back to account 1000002, "),
            (100, "1000002", "1.00 USD came back to you from account 1000002, "),
            (-100, None, "1.00 USD was taken back, "),
            (100, None, "1.00 USD was given back to you, "),
        ):
            said = words.notice(replace(notice, amount_minor=amount_minor, counterparty=counterparty))
            self.assertTrue(said.startswith(told), said)

    def test_movement_without_an_amount_is_told_alone(self) -> None:
        """What the bank did not tell is not made up."""
        self.assertTrue(words.notice(Notice(number=1, kind="paid", at_us=0)).startswith("A payment left your account,"))
        contact = Notice(number=1, kind="contact", at_us=0, currency="USD")
        self.assertTrue(words.notice(contact).startswith("Your contact information was changed,"))

    def test_kind_of_a_newer_bank_is_told_as_it_is(self) -> None:
        """A kind that this client does not know is shown by its word."""
        self.assertIn("'statement_ready'", words.notice(Notice(number=1, kind="statement_ready", at_us=0)))
        self.assertIn("'statement_ready'", words.kind_alone("statement_ready"))


class Slips(SynchronousTestCase):
    """Records become lines."""

    def test_times_are_those_of_a_zone(self) -> None:
        """A time is written for people, in the zone that is asked for."""
        self.assertEqual(words.moment(MORNING, UTC), "20 Nov 2025 10:15")

    def test_receipt_tells_success_amount_and_balance(self) -> None:
        """A transfer is answered by a success with what moved, to whom, and what is left."""
        receipt = Receipt(receipt=7, at_us=0, amount_minor=-10000, balance_minor=90000, currency="USD")
        self.assertEqual(
            slips.transferred(receipt, "XYZ"),
            "Success: 100.00 USD transferred to account XYZ. Balance: 900.00 USD. Receipt 7.",
        )

    def test_welcome_tells_the_last_visit(self) -> None:
        """Or that it is the first, or that a new customer was registered."""
        welcome = Welcome(account="7", currency="USD", lease_seconds=30, last_login_us=MORNING)
        first = replace(welcome, last_login_us=None)
        self.assertTrue(slips.welcome(welcome, False).endswith(f"Your last log-in was {words.moment(MORNING)}."))
        self.assertTrue(slips.welcome(first, False).endswith("This is your first log-in."))
        self.assertIn("you are now registered", slips.welcome(first, True))

    def test_welcome_tells_of_failed_tries(self) -> None:
        """How many there were, and what to do."""
        welcome = Welcome(account="7", currency="USD", lease_seconds=30, last_login_us=MORNING)
        for failed, said in ((1, "\n1 try with a wrong"), (12, "\n12 tries with a wrong")):
            self.assertIn(said, slips.welcome(replace(welcome, failed=failed), False))

    def test_details_tell_what_is_on_record(self) -> None:
        """And what is not."""
        customer = CustomerView(0, 0, username="zoe", name="Zoë", mobile="+31612345678", email="a@b.c")
        lines = [line.split(":")[1].strip() for line in slips.details(customer).split("\n")[:4]]
        self.assertEqual(lines, ["zoe", "Zoë", "+31612345678", "a@b.c"])
        self.assertEqual(slips.details(CustomerView(0, 0)).count(slips.NOT_TOLD), 4)

    def test_contact_information_is_confirmed(self) -> None:
        """An update is answered by a confirmation of what is on record."""
        customer = CustomerView(opened_us=0, contact_us=0, email="a@b.c")
        self.assertEqual(slips.contact(customer), "Confirmed. Your contact information on record: e-mail a@b.c.")

    def test_statement_is_a_table(self) -> None:
        """Numbers stand under each other, with the other account and the reference beside them."""
        lines = (
            StatementLine(2, MORNING, "paid", -250, 99750, "1000002", "Rent"),
            StatementLine(1, MORNING, "deposit", 100000, 100000),
            StatementLine(3, MORNING, "received", 0, 0, "1000003"),
        )
        page = Statement(lines, StatementEnd("USD", 99750, 0, 99750))
        headings, closing, first, second, third, opening, balance = slips.statement(page).split("\n")
        self.assertEqual(headings.split(), ["Time", "Receipt", "Amount", "Balance"])
        self.assertEqual(first[: headings.index("  Amount")].split()[-1], "2")
        self.assertEqual(first.index("-2.50") + 5, second.index("+1000.00") + 8)
        self.assertTrue(first.endswith("paid to 1000002 (Rent)"), first)
        self.assertTrue(second.endswith("cash paid in"), second)
        self.assertTrue(third.endswith(" 0.00     0.00  received from 1000003"), third)
        self.assertEqual(closing.split(), ["Closing", "balance", "997.50"])
        self.assertEqual(opening.split(), ["Opening", "balance", "0.00"])
        self.assertEqual((len(closing), len(opening)), (third.index("0.00  received") + 4,) * 2)
        self.assertEqual(balance, "Balance now: 997.50 USD")

    def test_cash_out_of_a_hold(self) -> None:
        """What a hold for cash paid is said to be cash, on a statement and a receipt."""
        line = StatementLine(2, MORNING, "paid", -250, 99750)
        said = slips.statement(Statement((line,), StatementEnd("USD", 99750, 100000, 99750)))
        self.assertIn("  paid in cash\n", said)
        receipt = SignedReceipt(2, MORNING, "paid", -250, 99750, "USD", "aa.bb.cc")
        self.assertTrue(slips.certifies(receipt).endswith(", paid in cash: 2.50 USD"))

    def test_empty_statement_says_so(self) -> None:
        """A new account has no entries, but a balance."""
        said = slips.statement(Statement((), StatementEnd("USD", 0, 0, 0)))
        self.assertEqual(
            [" ".join(line.split()) for line in said.split("\n")],
            [
                "There are no entries.",
                "Time Receipt Amount Balance",
                "Closing balance 0.00",
                "Opening balance 0.00",
                "Balance now: 0.00 USD",
            ],
        )

    def test_page_with_older_entries_says_so(self) -> None:
        """What was before a page is no opening balance unless it is the first; that of a period is told besides."""
        line = StatementLine(2, MORNING, "deposit", 5, 105)
        said = slips.statement(Statement((line,), StatementEnd("USD", 105, 100, 105, cursor=1)))
        self.assertIn("\nBrought forward ", said)
        self.assertNotIn("pening balance", said)
        end = StatementEnd("USD", 105, 100, 105, 1, period_opening_minor=7, period_closing_minor=105)
        said = slips.statement(Statement((line,), end))
        self.assertIn("\nThere are older entries; the opening balance is 0.07 USD.\n", said)

    def test_balance_at_an_instant_names_it(self) -> None:
        """A balance of another time is not taken for the one now."""
        view = AccountView("1", "USD", 100, 0, at_us=MORNING)
        self.assertEqual(slips.balance(view), f"Balance of account 1 at {words.moment(MORNING)}: 1.00 USD")

    def test_statement_fits_a_terminal(self) -> None:
        """The largest amounts leave room for the words in 80 columns, which go on in their own."""
        lines = tuple(
            StatementLine(10**9 + number, MORNING, "paid", sign * (10**15 - 1), 10**15 - 1, "X" * 32, "word " * 28)
            for number, sign in ((1, 1), (2, -1))
        )
        said = slips.statement(Statement(lines, StatementEnd("USD", 10**15 - 1, 0, 10**15 - 1)))
        for row in chain.from_iterable(wrapped(line, 80) for line in said.split("\n")):
            self.assertLessEqual(len(row), 80)

    def test_every_list_and_record_can_be_told(self) -> None:
        """Answers that carry a record are told from it; those that carry none are done."""
        account = AccountView("1", "USD", 100, 0, 100)
        self.assertEqual(slips.answer(messages.Balance(), account, []), "Balance of account 1: 1.00 USD")
        self.assertIn("Account 1: 1.00 USD", slips.answer(messages.Accounts(), None, [account]))
        self.assertEqual(slips.answer(messages.Acknowledge(upto=1), None, []), "Done.")
        self.assertEqual(slips.answer(messages.Notices(), None, []), prompts.NO_NOTICES)
        self.assertIn("[4]", slips.answer(messages.Notices(), None, [Notice(number=4, kind="paid", at_us=0)]))
