"""The program ``bankd-conformance``: what it is told, what it prints, and how it ends."""

import io
import json
import re
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

from bankd.conformance import main as command
from bankd.conformance import tls
from bankd.conformance.candidate import PATIENCE_SECONDS, Candidate
from bankd.conformance.line import Stream
from bankd.conformance.rules.catalogue import RULES
from tests.test_conformance import Change, ConformanceCase, PracticeStream


class TheProgram(ConformanceCase):
    """What it prints, and how it ends."""

    def setUp(self) -> None:
        super().setUp()
        self.printed, self.complaints = io.StringIO(), io.StringIO()
        self.patch(sys, "stdout", self.printed)
        self.patch(sys, "stderr", self.complaints)
        self.says: Change = str
        self.seconds = 0.0
        self.candidate(lambda: PracticeStream(self.bank.connect(), says=self.says))

    def candidate(self, open_stream: Callable[[], Stream]) -> None:
        """Let the program reach the server like this."""

        def reach(address: object, authorities: Path | None, seconds: float) -> Candidate:
            self.seconds = seconds
            return Candidate(open_stream)

        self.patch(command, "by_tls", reach)

    def complaint(self, *arguments: str) -> str:
        """What the program complains of when it grades nothing."""
        self.complaints.truncate(self.complaints.seek(0))
        self.assertEqual((command.main(arguments), self.printed.getvalue()), (command.UNUSABLE, ""))
        return self.complaints.getvalue().removeprefix("bankd-conformance: ").removesuffix("\n")

    def why(self, error: Exception, *arguments: str) -> str:
        """What it complains of when the server cannot be reached."""

        def fail() -> Stream:
            raise error

        self.candidate(fail)
        return self.complaint("bank:1", *arguments).removeprefix("bank:1 does not answer as a bank does: ")

    def test_a_report(self) -> None:
        """A line for each rule with its section, why it is broken, and how many are."""
        self.says = lambda line: line.replace(" 402 ", " 422 ")
        self.assertEqual(command.main(["localhost:1", "--only", "not available"]), command.BROKEN)
        told, why, counts = self.printed.getvalue().splitlines()
        self.assertRegex(told, r"^BROKEN +7  What an account has not available is `402 funds`")
        self.assertIn("101 out of 100", why)
        self.assertEqual(counts, "0 kept, 1 BROKEN, 0 not graded")

    def test_json(self) -> None:
        """The same for programs."""
        self.assertEqual(command.main(["localhost:1", "--only", "The bank speaks first", "--json"]), command.KEPT)
        told = json.loads(self.printed.getvalue())
        self.assertEqual((told["section"], told["grade"], told["why"]), (1, "kept", None))

    def test_list(self) -> None:
        """The rules can be listed without a server."""
        self.assertEqual(command.main(["--list"]), command.KEPT)
        self.assertEqual(len(self.printed.getvalue().splitlines()), len(RULES))

    def test_no_server(self) -> None:
        """It must be told host and port."""
        for arguments in ([], ["a:b:c"]):
            self.assertEqual(self.complaint(*arguments), "name the server to grade, as HOST:PORT")
        for server in ("localhost", "[::1]"):
            self.assertIn(f"with its port, as {server}:65432", self.complaint(server))

    def test_unreached(self) -> None:
        """Why there is no connection is told in words, and what could help."""
        self.assertEqual(self.why(ConnectionRefusedError(111, "Connection refused")), "nothing listens there")
        self.assertEqual(self.why(TimeoutError("timed out")), "it does not answer in time")
        self.assertEqual(self.why(socket.gaierror(-2, "Name unknown")), "there is no such host: Name unknown")
        self.assertIn("it does not speak TLS 1.3", self.why(ssl.SSLError(1, "wrong version number")))

    def test_authorities(self) -> None:
        """A certificate that cannot be verified is told with what to do about it."""
        unsigned = ssl.SSLCertVerificationError(1, "verify failed")
        unsigned.verify_code, unsigned.verify_message = 20, "unable to get local issuer certificate"
        self.assertIn("name who signed it by --ca FILE", self.why(unsigned))
        self.assertIn("other.pem has not who signed it", self.why(unsigned, "--ca", "other.pem"))
        unsigned.verify_code, unsigned.verify_message = 62, "Hostname mismatch"
        self.assertEqual(self.why(unsigned), "its certificate is for another host: Hostname mismatch")

    def test_authorities_that_are_none(self) -> None:
        """A file that is not there, or holds no certificate, is what is blamed."""
        self.patch(command, "by_tls", tls.by_tls)
        absent = self.complaint("bank:1", "--ca", "no.pem")
        self.assertEqual(absent, "--ca: no.pem cannot be read: No such file or directory")
        Path("text.pem").write_text("nothing", encoding="ascii")
        self.addCleanup(Path("text.pem").unlink)
        wrong = self.complaint("bank:1", "--ca", "text.pem")
        self.assertEqual(wrong, "--ca: text.pem holds no certificate in PEM form")

    def test_only(self) -> None:
        """Rules are chosen by words in any case, or by the number of their section alone."""
        self.assertEqual(command.main(["--list", "--only", "1"]), command.KEPT)
        first = [f"{rule.section:3}  {rule.words}" for rule in RULES if rule.section == 1]
        self.assertEqual(self.printed.getvalue().splitlines(), first)
        self.assertEqual(command.main(["--list", "--only", "THE BANK SPEAKS"]), command.KEPT)
        self.assertEqual(self.printed.getvalue().splitlines()[len(first) :], first[:1])

    def test_only_nothing(self) -> None:
        """Words that are in no rule are a mistake, and not a server that keeps all of them."""
        for words in ("no such words", "5", "²"):
            self.assertIn(repr(words), self.complaint("localhost:1", "--only", words))

    def test_timeout(self) -> None:
        """How long to wait can be said, and has to be a time."""
        command.main(["localhost:1", "--only", "the bank speaks first"])
        self.assertEqual(self.seconds, PATIENCE_SECONDS)
        command.main(["localhost:1", "--only", "the bank speaks first", "--timeout", "2.5"])
        self.assertEqual(self.seconds, 2.5)
        for text in ("0", "-1", "nan", "soon"):
            self.assertRaises(SystemExit, command.main, ["localhost:1", "--timeout", text])

    def test_trace(self) -> None:
        """What was said before a rule was broken is told on request, without secrets."""
        self.says = lambda line: line.replace(" 402 ", " 422 ")
        command.main(["localhost:1", "--only", "not available", "--trace"])
        said = [line.strip() for line in self.printed.getvalue().splitlines()[2:-1]]
        self.assertRegex(said[0], r"^S: \* 200 protocol=BANK/1 ")
        self.assertRegex(said[1], r"^C: g1 SIGNUP username=\S+ password=\*\*\* mobile=\S+ pin=\*\*\* name=Graded$")
        self.assertRegex(said[-2], r"^C3: g4 WITHDRAW amount=101 ")
        self.assertEqual(said[-1], "S3: g4 422 reason=funds")
        command.main(["localhost:1", "--only", "not available", "--trace", "--json"])
        told = json.loads(self.printed.getvalue().splitlines()[-1])
        self.assertEqual(told["conversation"][-1], said[-1])

    def test_the_page(self) -> None:
        """docs/conformance.md shows what is printed."""
        self.says = lambda line: line.replace(" 402 ", " 422 ").replace(" 400 ", " 404 ")
        page = (Path(tls.__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
        shown = re.findall(r"^```text\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
        for block, options in zip(shown, (["not available"], ["a verb that there", "--trace"]), strict=True):
            self.printed.truncate(self.printed.seek(0))
            command.main(["localhost:1", "--only", *options])
            self.assertEqual(self.printed.getvalue(), block + "0 kept, 1 BROKEN, 0 not graded\n")

    def test_blocked(self) -> None:
        """Rules that nobody could come to are counted apart, and the reason is told shortly."""
        self.says = lambda line: re.sub("201 .*", "503 reason=busy", line)
        self.patch(command, "RULES", [rule for rule in RULES if rule.section == 10])
        self.assertEqual(command.main(["localhost:1"]), command.BROKEN)
        lines = self.printed.getvalue().splitlines()
        self.assertRegex(lines[0], "^BROKEN +10  ")
        self.assertRegex(lines[2], "^not graded +10  ")
        self.assertEqual(lines[3].strip(), "as before: nobody can sign up")
        blocked = len(lines) // 2 - 1
        self.assertEqual(lines[-1], f"0 kept, 1 BROKEN, 0 not graded, {blocked} blocked by what is broken before them")

    def test_gives_up(self) -> None:
        """A server that is only silent is not waited for at every rule."""
        self.says = lambda line: line if line.startswith("*") else ""
        self.assertEqual(command.main(["localhost:1"]), command.BROKEN)
        self.assertIn("gives up", self.complaints.getvalue())
        self.assertLess(len(self.printed.getvalue().splitlines()), 40)
