"""What is said of authenticator apps, in English."""

from bankd.client import prompts
from bankd.records import Enrolment, RecoveryCode


def enrolment(enrolment: Enrolment, *, with_picture: bool) -> str:
    """The secret for a new app; a picture of it, where there is one, follows."""
    groups = " ".join(enrolment.secret[place : place + 4] for place in range(0, len(enrolment.secret), 4))
    if with_picture:
        return f"{prompts.SCAN}\n  {groups}"
    return f"{prompts.TOO_SMALL}\n  {groups}\n  {enrolment.uri}"


def recovery(recovery: list[RecoveryCode]) -> str:
    """That an app counts, and the codes to fall back on, two in a line."""
    listed = [each.code for each in recovery]
    rows = [f"  {'    '.join(listed[place : place + 2])}" for place in range(0, len(listed), 2)]
    return "\n".join([prompts.APP_CONFIRMED, *prompts.RECOVERY, *rows])
