"""Who one says to be: signing up, names, numbers and secrets (docs/protocol.md, sections 3 and 7)."""

from tests.hostile.case import Subject

SUBJECT = Subject("people")

FORM = "a SIGNUP username={} password=quiet-Maple-12 mobile=+14155550199"
USERNAMES = {
    "in capitals": "Mallory",
    "of two letters": "mm",
    "of 33 letters": "m" * 33,
    "with a Cyrillic a, encoded": "m%D0%B0llory",
    "with a dot": "m.allory",
    "like a path": "../etc/passwd",
    "with an end of line, encoded": "mal%0D%0Alory",
    "that turns round": "m%E2%80%AEyrolla",
    "with a NUL, encoded": "mal%00lory",
    "of full width": "%EF%BD%8Dallory",
}
for what, username in USERNAMES.items():
    SUBJECT.visitor(f"a user name {what}", FORM.replace("{}", username), "a 400 reason=field field=username")
SUBJECT.visitor("a user name with a quotation mark of SQL", FORM.replace("{}", "mal'lory--"), "a 400 reason=line")
SUBJECT.visitor("a user name with a format in it", FORM.replace("{}", "{log_source.pepper}"), "a 400 reason=line")

PASSWORDS = {
    "of one character, again and again": "aaaaaaaaaaaa",
    "of seven characters": "Seven-7",
    "of eight spaces": "%20" * 8,
}
for what, password in PASSWORDS.items():
    SUBJECT.visitor(
        f"a password {what}",
        f"a SIGNUP username=mallory password={password} mobile=+14155550199",
        "a 422 reason=weak field=password",
    )
SUBJECT.visitor(
    "a password of 129 characters",
    f"a SIGNUP username=mallory password={'%C3%A9' * 129} mobile=+14155550199",
    "a 400 reason=field field=password",
)
SUBJECT.visitor(
    "a password with a NUL in it, which C would end at",
    "a SIGNUP username=mallory password=plum-Wagon-58%00 mobile=+14155550199",
    "a 400 reason=field field=password",
)

PINS = {
    "of three digits": "123",
    "of 13 digits": "8265826582658",
    "of letters": "abcd",
    "in Arabic digits": "%D9%A1" * 4,
}
for what, pin in PINS.items():
    SUBJECT.visitor(
        f"a PIN {what}",
        f"a SIGNUP username=mallory password=quiet-Maple-12 mobile=+14155550199 pin={pin}",
        "a 400 reason=field field=pin",
    )
for pin in ("1111", "1234", "9876", "8901"):
    SUBJECT.visitor(
        f"a PIN that is {pin}",
        f"a SIGNUP username=mallory password=quiet-Maple-12 mobile=+14155550199 pin={pin}",
        "a 422 reason=weak field=pin",
    )

MOBILES = {
    "of three digits": "110",
    "of 16 digits": "1234567890123456",
    "in letters": "1-800-BANK",
    "of a plus sign": "+",
}
for what, mobile in MOBILES.items():
    SUBJECT.visitor(
        f"a mobile number {what}",
        f"a SIGNUP username=mallory password=quiet-Maple-12 mobile={mobile}",
        "a 400 reason=field field=mobile",
    )
SUBJECT.visitor(
    "a mobile number that cannot be dialled",
    "a SIGNUP username=mallory password=quiet-Maple-12 mobile=+99912345678",
    "a 400 reason=field field=mobile",
)

EMAILS = {
    "without an at sign": "mallory",
    "with two": "a@b@c",
    "with a header after it": "a@b%0D%0ABcc:%20all@example.com",
    "with a space": "a%20b@c",
    "of a long name": "a" * 65 + "@b",
    "not in ASCII": "m%C3%A9@example.com",
}
for what, email in EMAILS.items():
    SUBJECT.customer(f"an e-mail address {what}", f"a UPDATE_CONTACT email={email}", "a 400 reason=field field=email")

SUBJECT.visitor(
    "signing up with a name that is taken",
    "a SIGNUP username=$their_name password=quiet-Maple-12 mobile=+14155550199",
    "a 409 reason=taken field=username",
)
SUBJECT.visitor(
    "signing up with a number that is taken",
    "a SIGNUP username=mallory password=quiet-Maple-12 mobile=$their_mobile",
    "a 409 reason=taken field=mobile",
)
SUBJECT.customer(
    "taking another's number by a change", "a UPDATE_CONTACT mobile=$their_mobile", "a 409 reason=taken field=mobile"
)
SUBJECT.visitor(
    "signing up with an account's number of one's choice",
    "a SIGNUP username=mallory password=quiet-Maple-12 mobile=+14155550199 account=$theirs",
    "a 400 reason=field field=account",
)
SUBJECT.visitor(
    "signing up with a balance",
    "a SIGNUP username=mallory password=quiet-Maple-12 mobile=+14155550199 balance=1000000",
    "a 400 reason=field field=balance",
)
SUBJECT.customer("closing the account with a wrong PIN", "a DELETE_ACCOUNT pin=9999", "a 401 reason=credentials")
SUBJECT.customer("closing it with money on it", "a DELETE_ACCOUNT pin=$pin", "a 409 reason=balance")
SUBJECT.customer(
    "closing it in favour of an account that is closed",
    "a DELETE_ACCOUNT pin=$pin payout=$closed",
    "a 404 reason=account",
)
SUBJECT.customer(
    "closing it in favour of itself", "a DELETE_ACCOUNT pin=$pin payout=$mine", "a 422 reason=same_account"
)
SUBJECT.customer(
    "closing it in favour of an account in euros", "a DELETE_ACCOUNT pin=$pin payout=$euros", "a 422 reason=currency"
)
SUBJECT.customer("a new PIN after a wrong one", "a CHANGE_PIN new=6184 pin=9999", "a 401 reason=credentials")
SUBJECT.customer("a new PIN that is weak", "a CHANGE_PIN new=1234 pin=$pin", "a 422 reason=weak field=new")
SUBJECT.customer(
    "a new password that is weak", "a CHANGE_PASSWORD new=short password=$password", "a 422 reason=weak field=new"
)
