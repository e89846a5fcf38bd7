"""What the simulation said of a broken promise, in the few words that a table has room for."""

SAID = (
    ("does not work at all", "it does not even start"),
    ("in the session of", "a payment in another's session"),
    ("its session had been ended", "a payment after its session's end"),
    ("another got it", "an account taken from its terminal"),
    ("was served at", "served after another had it"),
    ("was refused the account", "refused the account, and has it"),
    ("has logged out, and", "not free after a log-out"),
    ("one-time password is wanted", "carried out without its password"),
    ("one-time password twice", "a one-time password done twice"),
    ("nobody asked for", "an entry nobody asked for"),
    ("no operator asked for", "an entry no operator asked for"),
    (" became Entry", "an entry unlike what was asked"),
    ("asked again", "two answers to one order"),
    ("was carried out:", "refused, and was carried out"),
    ("then carried out:", "refused, and then carried out"),
    ("carried out once more:", "carried out twice"),
    ("is not in the journal", "acknowledged, and not stored"),
    ("stands in the journal as", "acknowledged other than stored"),
    ("balances do not go on", "balances that do not go on"),
    ("its entries make it", "an account unlike its entries"),
    ("do not add up", "debits that are not the credits"),
    (" is at ", "an account below zero"),
    ("not linked to all before", "an entry with a wrong link"),
    ("two entries under one key", "two entries under one key"),
    ("a hold that is not open", "a hold that ended twice"),
    ("more than was held", "more captured than was held"),
    ("not the time for it", "a hold captured too late"),
    ("more was given back", "more given back than paid"),
    ("before it was stored", "a notice before its event"),
    ("since the question", "a balance there never was"),
    ("events, and was told of", "notices missing or told twice"),
    ("events, and has", "events numbered with a gap"),
    ("times by broadcast", "a broadcast told twice"),
    ("what it had not asked", "an answer to no question"),
    ("a busy bank no more", "a client that gave up early"),
    ("could not learn", "an order without an answer"),
    ("it is not known", "an order without an answer"),
    ("it is not over", "a world without an end"),
    ("logged a fault", "a fault in the log"),
    ("has a secret", "a secret in the log"),
    ("the audit finds", "a fault in the audit"),
    ("did not stop", "it does not stop in order"),
    ("does not start", "it does not start again"),
)
"""Texts, and words for what they stand in; the first that does counts."""


def in_short(text: str) -> str:
    """``text`` in a few words; as it is where there are none for it."""
    return next((words for part, words in SAID if part in text), text)
