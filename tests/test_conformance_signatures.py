"""``bankd-conformance`` at servers whose signatures or sealing keys are none."""

import base64
import json
import re
from functools import partial

from bankd.conformance.rule import Grade
from bankd.conformance.rules import signatures
from tests.test_conformance import ConformanceCase


def with_member(name: str, value: object, line: str) -> str:
    """A line in which ``keys=`` says something else in a member of its own, or of its key."""
    found = re.search(r"(?<= keys=)([\w-]+)\.([\w-]+)(?=\.)", line)
    if found is None:
        return line
    says = json.loads(base64.urlsafe_b64decode(found[2] + "=="))
    (says if name in says else says["keys"][0])[name] = value
    changed = base64.urlsafe_b64encode(json.dumps(says).encode()).decode().rstrip("=")
    return line.replace(found[2], changed)


class WrongSignatures(ConformanceCase):
    """What is signed in another way, or is no key."""

    def test_short_signatures(self) -> None:
        """Signatures that are none."""

        def unsigned(line: str) -> str:
            return re.sub(r"(?<=[a-z]=)(\w+\.[\w-]+\.)[\w-]{86}", r"\1AAAA", line)

        for verdict in self.grade([signatures.signed, signatures.published], says=unsigned):
            self.assertIn("has 3 octets, and one by Ed25519 has 64", verdict.why)

    def test_wrong_keys(self) -> None:
        """A key that is not good now, or is no key for sealing."""
        for member, value, one, why in (
            ("exp", 1, signatures.fresh, "exp=1,"),
            ("iat", 10**10, signatures.fresh, "from iat=10000000000,"),
            ("exp", "soon", signatures.fresh, "exp in seconds"),
            ("keys", [], signatures.published, "one key"),
            ("kid", "", signatures.sealing_key, "no kid"),
            ("use", "sig", signatures.sealing_key, 'use is "sig" and not enc'),
            ("alg", None, signatures.sealing_key, "alg is null"),
            ("n", "!", signatures.sealing_key, 'n is "!"'),
            ("n", "_w", signatures.sealing_key, "8 bits"),
        ):
            (verdict,) = self.grade([one], says=partial(with_member, member, value))
            self.assertEqual(verdict.grade, Grade.BROKEN, member)
            self.assertIn(why, verdict.why)
