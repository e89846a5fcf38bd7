"""By what to log in again: the request that opened a session, with whatever has changed since."""

from dataclasses import replace

from bankd import codes
from bankd.client.answers import Answer
from bankd.client.tokens import Tokens
from bankd.wire import messages
from bankd.wire.messages import Login, Message


class WayBack:
    """Kept in memory while a session lasts; ``login`` is None without one. ``tokens`` are this terminal's."""

    def __init__(self, tokens: Tokens | None) -> None:
        self.login: Login | None = None
        self._tokens = tokens
        self._challenged: Login | None = None

    def shown(self, request: Login) -> Login:
        """``request`` with the token by which the bank may trust this terminal."""
        return self._tokens.shown(request) if self._tokens else request

    def note(self, request: Message | str, answer: Answer) -> None:
        """Learn from a request and its answer by which secret to come back."""
        if answer.code.refuses:
            if answer.code == codes.ONE_TIME and isinstance(request, Login):
                self._challenged = request
            return
        match request:
            case Login():
                self.login = self._kept(request, answer)
            case messages.OneTime() if self.login is None and self._challenged:
                self.login = self._kept(self._challenged, answer)
            case messages.ChangePin() if self.login and self.login.pin:
                self.login = replace(self.login, pin=request.new)
            case messages.ChangePassword() if self.login and self.login.password:
                self.login = replace(self.login, password=request.new)

    def forget(self) -> None:
        """Keep nothing any more."""
        self.login = self._challenged = None

    def _kept(self, login: Login, answer: Answer) -> Login:
        """As before, at a terminal that the bank may trust now, but taking nothing over."""
        return replace(self._tokens.kept(login, answer.fields) if self._tokens else login, take_over=None)
