"""A statement as ISO 20022 camt.053.001.08, BankToCustomerStatement, which accounting programs read.

``pyiso20022`` has the message's elements as dataclasses made from ISO's schema, and ``xsdata`` writes them. The message
is written without entries first; each entry is then written by itself into the place where they belong, between the
balances and the end of the statement.

Every entry is booked (BOOK); ``NtryRef`` is the receipt's number and the bank's own code for the kind of entry is
``deposit``, ``withdrawal``, ``paid`` or ``received``. Balances are the opening (OPBD) and closing (CLBD) booked ones.
"""

from dataclasses import dataclass
from decimal import Decimal

from pyiso20022.camt import camt_053_001_08 as camt
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.formats.dataclass.serializers.config import SerializerConfig
from xsdata.formats.dataclass.serializers.writers import XmlEventWriter
from xsdata.models.datatype import XmlDateTime

from bankd import money
from bankd.client.files.form import Head
from bankd.records import StatementLine
from bankd.wire.grammar import write_time

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"

_PLACE = "</Stmt>"
_NO_XML = {0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}  # all that BANK/1 allows in words and XML 1.0 does not (section 2.2)
_LONGEST_ID = 35


@dataclass(kw_only=True)
class _Entry(camt.ReportEntry10):  # type: ignore[misc]  # the library is not typed
    """An entry that knows the name that it has inside a statement."""

    class Meta:
        name = "Ntry"
        namespace = NAMESPACE


class Camt:
    """See ``Form``."""

    def head(self, head: Head) -> str:
        """The message as far as its entries."""
        self._currency = head.currency
        self._writer = XmlSerializer(config=SerializerConfig(xml_declaration=False), writer=XmlEventWriter)
        before, place, after = self._written(_message(head)).partition(_PLACE)
        self._foot = place + after
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{before}\n'

    def entry(self, line: StatementLine) -> str:
        """One ``Ntry``."""
        when = camt.DateAndDateTime2Choice(dt_tm=_time(line.at_us))
        code = camt.ProprietaryBankTransactionCodeStructure1(cd=line.kind)
        amount, sign = _amount(line.amount_minor, self._currency)
        entry = _Entry(
            ntry_ref=str(line.receipt),
            amt=amount,
            cdt_dbt_ind=sign,
            sts=camt.EntryStatus1Choice(cd="BOOK"),
            bookg_dt=when,
            val_dt=when,
            acct_svcr_ref=str(line.receipt),
            bk_tx_cd=camt.BankTransactionCodeStructure4(prtry=code),
            ntry_dtls=[camt.EntryDetails9(tx_dtls=[_details(line)])],
        )
        return self._written(entry) + "\n"

    def foot(self) -> str:
        """The end of the message."""
        return self._foot + "\n"

    def _written(self, element: object) -> str:
        return self._writer.render(element, ns_map={None: NAMESPACE}).translate(_NO_XML).strip()


def _message(head: Head) -> object:
    """The message without its entries. Its id is that of this writing: the same statement made again has another."""
    made, name = _time(head.made_us), f"{head.made_us}-{head.account}"[:_LONGEST_ID]
    account = camt.CashAccount39(
        id=_account_id(head.account),
        ccy=head.currency,
        svcr=camt.BranchAndFinancialInstitutionIdentification6(
            fin_instn_id=camt.FinancialInstitutionIdentification18(nm=head.bank)
        ),
    )
    statement = camt.AccountStatement9(
        id=name,
        cre_dt_tm=made,
        fr_to_dt=camt.DateTimePeriod1(fr_dt_tm=_time(head.since_us), to_dt_tm=_time(head.until_us)),
        acct=account,
        bal=[
            _balance("OPBD", head.opening_minor, head.currency, head.since_us),
            _balance("CLBD", head.closing_minor, head.currency, head.until_us),
        ],
    )
    header = camt.GroupHeader81(msg_id=name, cre_dt_tm=made)
    return camt.Document(bk_to_cstmr_stmt=camt.BankToCustomerStatementV08(grp_hdr=header, stmt=[statement]))


def _balance(code: str, balance_minor: int, currency: str, at_us: int) -> object:
    amount, sign = _amount(balance_minor, currency)
    return camt.CashBalance8(
        tp=camt.BalanceType13(cd_or_prtry=camt.BalanceType10Choice(cd=code)),
        amt=amount,
        cdt_dbt_ind=sign,
        dt=camt.DateAndDateTime2Choice(dt_tm=_time(at_us)),
    )


def _details(line: StatementLine) -> object:
    """The account on the other side and the payer's words, where there are any."""
    details = camt.EntryTransaction10()
    if line.counterparty is not None:
        other = camt.CashAccount38(id=_account_id(line.counterparty))
        paid = line.amount_minor < 0
        details.rltd_pties = camt.TransactionParties6(**{"cdtr_acct" if paid else "dbtr_acct": other})
    if line.reference is not None:
        details.rmt_inf = camt.RemittanceInformation16(ustrd=[line.reference])
    return details


def _account_id(number: str) -> object:
    return camt.AccountIdentification4Choice(othr=camt.GenericAccountIdentification1(id=number))


def _amount(minor: int, currency: str) -> tuple[object, object]:
    """An amount as ISO 20022 has it: without a sign, and beside it whether it is a credit to the account's owner."""
    sign = camt.CreditDebitCode.DBIT if minor < 0 else camt.CreditDebitCode.CRDT
    value = Decimal(money.plain(abs(minor), currency))
    return camt.ActiveOrHistoricCurrencyAndAmount(value=value, ccy=currency), sign


def _time(at_us: int) -> XmlDateTime:
    return XmlDateTime.from_string(write_time(at_us))
