"""The daemon on a PostgreSQL and on a MariaDB, by nothing but the URL in its settings."""

from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy.engine import make_url

from tests.databases import DatabaseCase, Server, on_servers
from tests.system.support import Bank, Failed, SystemTestCase, TriedBank
from tests.system.test_daemon import Line


@on_servers
class ByUrl(SystemTestCase, DatabaseCase):
    """A bank whose database is a server's."""

    def serve(self, kind: type[Bank] = Bank) -> Bank:
        """A bank that serves."""
        bank = kind(Path(mkdtemp(dir=self.folder)), {"database": self.database()})
        bank.start()
        self.addCleanup(bank.stop)
        return bank

    def test_a_day(self) -> None:
        """Customers pay and find everything again after the bank was closed, and the ledger is right."""
        bank = self.serve()
        alice, bob, _ = bank.customers
        for start in range(2):
            if start:
                bank.stop()
                bank.start()
            told = bank.told(
                f"account:{alice.account}", alice.pin, f"Transfer $100 to Account {bob.account}", "Check Balance"
            )
            self.assertEqual([answer["code"] for answer in told], [200, 200])
            self.assertIn(f"{900 - 100 * start}.00 USD", told[-1]["words"])
            self.assert_right(bank)
        self.assertFalse((bank.state / "bank.sqlite3").exists())

    def test_the_server_restarts(self) -> None:
        """A bank whose server was killed and started again goes on with the session that was open."""
        bank = self.serve(TriedBank)
        line = Line(bank)
        self.addCleanup(line.close)
        self.assertTrue(line.log_in(bank.customers[0]))
        for key in ("a", "b"):
            answer = line.ask(f"d DEPOSIT amount=1 currency=USD key={key}")
            self.assertTrue(answer.startswith("d 200 "), answer)
            assert isinstance(self.engine, Server)
            self.engine.kill()
            self.engine.start()
            self.assertTrue(line.ask("b BALANCE").startswith("b 200 "))
        self.assert_right(bank)

    def test_no_server(self) -> None:
        """Without its server a bank cannot be made, and 'bankctl init' says so in a line."""
        nowhere = make_url(self.database()).set(database="nowhere").render_as_string(hide_password=False)
        with self.assertRaises(Failed) as caught:
            Bank(Path(mkdtemp(dir=self.folder)), {"database": nowhere})
        (line,) = str(caught.exception).splitlines()
        self.assertIn("ended with 1", line)
        self.assertIn("nowhere", line)
