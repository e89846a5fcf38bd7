"""``bankctl cert renew``: the bank's own certificate is issued anew, whether that is due or not."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from cryptography import x509

from bankd import certificates
from bankd.certificate_forms import SERVER_LIFE
from bankd.ctl.command import DONE, Command, Unusable, settings_of
from bankd.wire.grammar import write_time

WORDS = """
Issue the bank's own certificate anew, to the same key and for the same names, though the bank renews it by itself when
it has thirty days left. A bank that serves shows it to new connections within an hour, and at once after SIGHUP. Names
are added by 'bankctl init'. A certificate by somebody else, which the settings name, is theirs to renew.
"""


def _renew(options: Namespace) -> int:
    settings = settings_of(options)
    if settings.certificate.parent != settings.state:
        raise Unusable(f"{settings.certificate} is not the bank's own; whoever issued it renews it")
    now = datetime.now(UTC)
    if not options.dry_run:
        certificates.renew_server_certificate(settings.state, now, SERVER_LIFE)
    made = x509.load_pem_x509_certificate(settings.certificate.read_bytes())
    ends = write_time(int(made.not_valid_after_utc.timestamp()) * 1_000_000)
    print(f"{settings.certificate} is good until {ends}")
    return DONE


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say until when it is good, and do nothing")


RENEW = Command("cert renew", "issue the bank's certificate anew", _renew, _arguments, WORDS)
