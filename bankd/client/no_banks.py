"""Why there is no bank to talk to, and who it is when there is one for the first time, in English."""

from bankd.client.errors import Cause
from bankd.language import _

NO_BANKS = {
    Cause.UNKNOWN_HOST: _("There is no host called {host}. Check the address given with --server."),
    Cause.UNREACHABLE: _(
        "The bank at {address} cannot be reached. Check the address given with --server, and that the bank is running."
    ),
    Cause.UNTRUSTED: _(
        "The certificate of {address} is not trusted: it has expired, or no authority that you trust has "
        "signed it. Give the bank's own CA file with --ca; do not enter any secret until this is settled."
    ),
    Cause.WRONG_NAME: _(
        "The certificate of {address} was made for another name than {host}. Give the name that the bank "
        "told you with --server; do not enter any secret until this is settled."
    ),
    Cause.WRONG_TERMINAL: _(
        "The bank at {address} does not accept the certificate given with --terminal: it has ended, "
        "or that bank did not make it."
    ),
    Cause.NOT_A_BANK: _("What answers at {address} does not talk as a bank does. Check what is given with --server."),
    Cause.OTHER_IDENTITY: _(
        "What answers at {address} is not the bank that you mean, so nothing was told to it: its "
        "identity is {fingerprint}, and not the one given with --identity. Do not enter any secret until this is "
        "settled."
    ),
    Cause.CHANGED_IDENTITY: _(
        "The identity of {address} has changed, so nothing was told to it. Somebody may stand "
        "between you and the bank, or the bank was set up anew. Have the bank tell you its fingerprint by another way. "
        "If that is {fingerprint}, remove the line of {address} from {file} and start again."
    ),
    Cause.UNREADABLE_BANKS: _(
        "The file of known banks, {file}, cannot be read, so nobody knows whether {address} is the "
        "bank that you mean. Its identity is {fingerprint}. Mend the file, or give that with --identity if it is right."
    ),
    Cause.BAD_KEYS: _(
        "What {address} gives to seal messages with is not signed by the bank, or not for this day by this "
        "computer's clock, so nothing was told to it. If the clock is right, do not enter any secret until this is "
        "settled."
    ),
    Cause.NOT_SEALING: _(
        "What answers at {address} does not seal messages. If you know that this bank does not, and "
        "trust everything between you and it, start again with --seal off."
    ),
    Cause.TURNED_AWAY: _("The bank at {address} takes no more terminals now: {warning}"),
}

STRANGERS = (
    *(Cause.UNTRUSTED, Cause.WRONG_NAME, Cause.OTHER_IDENTITY, Cause.CHANGED_IDENTITY),
    *(Cause.UNREADABLE_BANKS, Cause.BAD_KEYS, Cause.NOT_SEALING),
)
"""Causes for which what answers may be anybody."""

FIRST_MET = _(
    "This is the first time that you use the bank at {address}. The fingerprint of its identity is\n"
    "  {fingerprint}\n"
    "and is remembered from now on. Compare it with the one that the bank has told you."
)
NOT_REMEMBERED = _("The bank's identity cannot be remembered in {file}: {why}.")
