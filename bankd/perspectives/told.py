"""What somebody in a session is told without asking: notices, and where the hints of them are sent."""

from typing import Any

from bankd import codes
from bankd.bank import preferences, reports
from bankd.codes import Refused
from bankd.perspectives.branch import Branch
from bankd.perspectives.session import InSession
from bankd.records import Inbox, Listening, PreferencesView, Session


class Told(InSession):
    """Somebody who is told of an account's notices; ``mind`` tells where the terminal is."""

    def __init__(self, branch: Branch, session: Session, mind: Any) -> None:
        super().__init__(branch, session)
        self._mind = mind
        self._listener: str | None = None
        if session.preferences is not None:
            branch.quiet.choose(session, session.preferences)

    async def notices(self, since: int | None) -> Inbox:
        """A page of notices to the session's account."""
        return await self._read(reports.inbox, since)

    async def acknowledge(self, upto: int) -> None:
        """Take notices as seen."""
        await self._write(lambda tx: reports.acknowledge(tx, self.session, upto))

    async def preferences(self, muted: str | None, least_minor: int | None) -> PreferencesView:
        """What the session's account is told of, once what is given has been changed."""
        if muted is None and least_minor is None:
            return await self._read(preferences.of_session)
        chosen = await self._write(lambda tx: preferences.choose(tx, self.session, muted, least_minor))
        self._branch.quiet.choose(self.session, chosen)
        return chosen

    async def newest_notice(self) -> int:
        """The number of the newest notice. Asking for it keeps the session, whatever the session owes."""
        await self.keep()
        return await self._branch.read(reports.newest_notice, self.session)

    def listen(self, port: int) -> Listening:
        """Have the terminal's port probed, in place of any port before."""
        self._check_owed()
        listening: Listening = self._branch.board.listen(self.session.account_id, self._mind.host, port)
        self._silence()
        self._listener = listening.listener
        return listening

    def confirm(self, proof: str) -> None:
        """Have notices sent to the port that was probed."""
        if self._listener is None or not self._branch.board.confirm(self._listener, proof):
            raise Refused(codes.NO_PROBE)

    def _silence(self) -> None:
        if self._listener is not None:
            self._branch.board.silence(self._listener)

    def _forget_choice(self) -> None:
        """The session is over."""
        self._branch.quiet.forget(self.session)
