"""Mobile numbers in one spelling."""

import phonenumbers

from bankd import codes
from bankd.codes import Refused


def e164(mobile: str, region: str) -> str:
    """``mobile`` in the international form of ITU-T E.164; without "+" it is a number of ``region`` (ISO 3166).

    Raises Refused, naming the field ``mobile``, for what no network could dial.
    """
    try:
        number = phonenumbers.parse(mobile, region)
    except phonenumbers.NumberParseException as error:
        raise Refused(codes.BAD_FIELD, "mobile") from error
    if not phonenumbers.is_possible_number(number):
        raise Refused(codes.BAD_FIELD, "mobile")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
