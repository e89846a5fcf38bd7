"""``bankctl account``: what an account may spend, shown and set, also while the bank serves; and whose it is."""

import json
from argparse import ArgumentParser, Namespace

from bankd import codes, money
from bankd.bank import accounts
from bankd.codes import Refused
from bankd.config import Settings
from bankd.ctl import desk, operator
from bankd.ctl.command import DONE, Command, Unusable, opened, opened_to_write, printable, settings_of
from bankd.ctl.way import way_arguments
from bankd.ledger.tariff import day_of
from bankd.records import AccountFile
from bankd.store import customers
from bankd.store.customers import AccountRow
from bankd.store.operators import Deed
from bankd.wire.acts import FindAccount, ListAccounts
from bankd.wire.grammar import write_time

DEFAULT = "default"
"""What an operator writes to have the limits of the settings hold again."""

LIMIT_WORDS = """
Set what the account NUMBER may spend: at once, on one day in UTC, and by how much its balance may go below zero. What
is left out stays as it is; 0 lets it spend nothing, or not be overdrawn. 'default' is for what the settings say of all
accounts, which every account has at first. The bank may serve meanwhile: what it decides next is decided so.
"""


def _show(options: Namespace) -> int:
    settings = settings_of(options)
    with opened(settings) as (store, _keys), store.reading() as connection:
        account = customers.account_numbered(connection, options.number)
        if account is None:
            raise Unusable(_nobodys(options.number))
        _tell(account, settings, store.now_us(connection), options.json)
    return DONE


def _limit(options: Namespace) -> int:
    settings = settings_of(options)
    with opened_to_write(settings) as (store, _keys):
        with store.reading() as connection:
            before = customers.account_numbered(connection, options.number)
        if before is None:
            raise Unusable(_nobodys(options.number))
        limits = _limits(options, before.currency)
        with store.writing() as tx:
            try:
                account = accounts.set_limits(tx, options.number, limits)
            except Refused as refused:
                raise Unusable(_why(refused, before, limits)) from None
            operator.record(tx, Deed("account_limit", account.number, _set(limits, account.currency)))
        _tell(account, settings, tx.at_us, options.json)
    return DONE


def _limits(options: Namespace, currency: str) -> dict[str, int | None]:
    """What is to be set, by the account's columns. Raises Unusable."""
    limits: dict[str, int | None] = {}
    for option, column in (("payment", "payment_limit_minor"), ("day", "day_limit_minor")):
        if (text := getattr(options, option)) is not None:
            limits[column] = None if text == DEFAULT else _amount(option, text, currency)
    if options.overdraft is not None:
        limits["floor_minor"] = -_amount("overdraft", options.overdraft, currency)
    if not limits:
        raise Unusable("nothing is to be set; name --payment, --day or --overdraft")
    return limits


def _set(limits: dict[str, int | None], currency: str) -> str:
    """What was set, for the record."""
    names = {"payment_limit_minor": "at once", "day_limit_minor": "in a day", "floor_minor": "overdraft"}

    def written(minor: int | None) -> str:
        return DEFAULT if minor is None else money.written(abs(minor), currency)

    return ", ".join(f"{names[column]} {written(minor)}" for column, minor in limits.items())


def _list(options: Namespace) -> int:
    after: str | None = None
    with desk.at_desk(options) as bank:
        while page := bank.ask(ListAccounts(after=after)).read(AccountFile):
            for file in page:
                print(json.dumps(desk.fields_of(file)) if options.json else _line(file))
            after = page[-1].account
    return DONE


def _line(file: AccountFile) -> str:
    """An account in a line."""
    state = "closed" if file.closed_us is not None else "frozen" if file.frozen_us is not None else ""
    name = f" ({file.username})" if file.username else ""
    balance = money.written(file.balance_minor, file.currency)
    return f"{file.account}: {balance}, customer {file.customer}{name}{state and f', {state}'}"


def _find(options: Namespace) -> int:
    with desk.at_desk(options) as bank:
        found = bank.ask(desk.who(FindAccount, options)).read(AccountFile)
    for file in found:
        if options.json:
            print(json.dumps(desk.fields_of(file)))
            continue
        print(f"account {file.account} of customer {file.customer}")
        rows = {
            "opened": write_time(file.opened_us),
            "closed": None if file.closed_us is None else write_time(file.closed_us),
            "frozen": None if file.frozen_us is None else write_time(file.frozen_us),
            "balance": money.written(file.balance_minor, file.currency),
            "available": money.written(file.available_minor, file.currency),
            "user name": file.username,
            "name": file.name,
            "mobile": file.mobile,
            "e-mail": file.email,
        }
        print("\n".join(f"  {name:<12} {printable(value)}" for name, value in rows.items() if value is not None))
    return DONE


def _amount(option: str, text: str, currency: str) -> int:
    """An amount in minor units, which may be zero. Raises Unusable."""
    if text in ("0", money.plain(0, currency)):
        return 0
    try:
        return money.parse(text, currency)
    except money.NotMoney as error:
        raise Unusable(f"--{option} {printable(text)} will not do: {error}") from None


def _nobodys(number: str) -> str:
    return f"no customer has an account {printable(number)}"


def _why(refused: Refused, account: AccountRow, limits: dict[str, int | None]) -> str:
    if refused.code != codes.NO_FUNDS:
        return f"account {account.number} is closed"
    overdraft_minor = -(limits["floor_minor"] or 0)
    used_minor = account.held_minor - account.balance_minor
    return (
        f"account {account.number} uses {money.written(used_minor, account.currency)} of its overdraft, which is more "
        f"than {money.written(overdraft_minor, account.currency)}"
    )


def _tell(account: AccountRow, settings: Settings, now_us: int, as_json: bool) -> None:
    """Print what an account has and may spend."""
    if as_json:
        print(json.dumps(_figures(account, settings, now_us)))
        return
    tariff = settings.terms.tariff

    def written(minor: int) -> str:
        return money.written(minor, account.currency)

    def limit(own_minor: int | None, minor: int | None) -> str:
        return f"{'no limit' if minor is None else written(minor)} ({'default' if own_minor is None else 'its own'})"

    rows = {
        "opened": write_time(account.opened_us),
        **({} if account.closed_us is None else {"closed": write_time(account.closed_us)}),
        **({} if account.frozen_us is None else {"frozen": write_time(account.frozen_us)}),
        "balance": written(account.balance_minor),
        "held": written(account.held_minor),
        "available": written(account.available_minor),
        "overdraft": written(-account.floor_minor),
        "at once": limit(account.payment_limit_minor, tariff.payment_limit_minor(account)),
        "in a day": limit(account.day_limit_minor, tariff.day_limit_minor(account)),
        "spent today": written(_spent_minor(account, now_us)),
    }
    print(f"account {account.number} of customer {account.customer_id}")
    print("\n".join(f"  {name:<12} {value}" for name, value in rows.items()))


def _figures(account: AccountRow, settings: Settings, now_us: int) -> dict[str, str | int | bool | None]:
    """What an account has and may spend, by name; amounts in minor units, null for no limit."""
    tariff = settings.terms.tariff
    return {
        "account": account.number,
        "customer": account.customer_id,
        "currency": account.currency,
        "opened": write_time(account.opened_us),
        "closed": None if account.closed_us is None else write_time(account.closed_us),
        "frozen": None if account.frozen_us is None else write_time(account.frozen_us),
        "balance": account.balance_minor,
        "held": account.held_minor,
        "available": account.available_minor,
        "overdraft": -account.floor_minor,
        "payment": tariff.payment_limit_minor(account),
        "own_payment": account.payment_limit_minor is not None,
        "day": tariff.day_limit_minor(account),
        "own_day": account.day_limit_minor is not None,
        "spent": _spent_minor(account, now_us),
    }


def _spent_minor(account: AccountRow, now_us: int) -> int:
    return account.spent_minor if account.day == day_of(now_us) else 0


def _show_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("number", metavar="NUMBER", help="the account's number")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with amounts in minor units")


def _limit_arguments(parser: ArgumentParser) -> None:
    _show_arguments(parser)
    parser.add_argument("--payment", metavar="AMOUNT", help="the most that it may pay at once, or 'default'")
    parser.add_argument("--day", metavar="AMOUNT", help="the most that it may pay on one day in UTC, or 'default'")
    parser.add_argument("--overdraft", metavar="AMOUNT", help="by how much its balance may go below zero")


def _list_arguments(parser: ArgumentParser) -> None:
    way_arguments(parser)
    desk.json_argument(parser)


def _find_arguments(parser: ArgumentParser) -> None:
    desk.who_arguments(parser)
    _list_arguments(parser)


SHOW = Command("account show", "show what an account has and may spend", _show, _show_arguments)
LIMIT = Command("account limit", "set what an account may spend", _limit, _limit_arguments, LIMIT_WORDS)
FIND = Command("account find", "ask the bank that serves whose account it is", _find, _find_arguments)
LIST = Command("account list", "ask the bank that serves for all accounts", _list, _list_arguments)
