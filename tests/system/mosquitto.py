"""An MQTT broker on this machine, Eclipse Mosquitto, and a program that subscribes to it; both end with the test."""

import getpass
import json
import subprocess
from pathlib import Path
from threading import Lock
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.system.support import answers, free_ports, look_until, need

BANK, READER = ("bank", "canary-of-the-broker-4711"), ("reader", "canary-of-the-reader")
"""Who may log in, each with a password."""


class Mosquitto:
    """A broker in ``folder``; with the files of ``certificate`` and its key it speaks TLS at a port besides.

    It keeps what it knows when it is killed, as far as it has come to writing it down.
    """

    def __init__(self, folder: Path, certificate: tuple[Path, Path] | None = None) -> None:
        self._program = need("mosquitto")
        self.port, self.tls_port = free_ports(2)
        folder.mkdir()
        passwords = folder / "passwords"
        passwords.write_text("".join(f"{user}:{password}\n" for user, password in (BANK, READER)))
        subprocess.run([need("mosquitto_passwd"), "-U", str(passwords)], check=True, capture_output=True)
        lines = [
            f"user {getpass.getuser()}",
            "allow_anonymous false",
            f"password_file {passwords}",
            f"persistence true\npersistence_location {folder}/\nautosave_on_changes true\nautosave_interval 1",
            f"listener {self.port} 127.0.0.1",
        ]
        if certificate is not None:
            lines.append(f"listener {self.tls_port} 127.0.0.1\ncertfile {certificate[0]}\nkeyfile {certificate[1]}")
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text("\n".join(lines) + "\n")
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Serve."""
        with self._log.open("ab") as log:
            command = [self._program, "-v", "-c", str(self._settings)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        look_until(lambda: answers(self.port), lambda: self.log)

    def kill(self) -> None:
        """End as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Reader:
    """A program that gets all that is published below ``topic``, also what came while it or the broker was away."""

    def __init__(self, port: int, topic: str) -> None:
        self._got: list[tuple[str, dict[str, Any]]] = []
        self._lock = Lock()
        self.subscribed = False
        client = self._client = Client(CallbackAPIVersion.VERSION2, "reader", clean_session=False)
        client.username_pw_set(*READER)
        client.reconnect_delay_set(1, 1)
        client.on_connect = lambda client, *_: client.subscribe(f"{topic}/#", qos=1)
        client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        client.on_message = lambda _client, _data, message: self._take(message)
        client.connect("127.0.0.1", port)
        client.loop_start()
        look_until(lambda: self.subscribed, lambda: "the broker does not let the reader in")

    @property
    def got(self) -> list[tuple[str, dict[str, Any]]]:
        """Topics and events, in the order in which they came."""
        with self._lock:
            return [*self._got]

    @property
    def ids(self) -> list[str]:
        """The ids of the events, each where it came first."""
        return list(dict.fromkeys(event["id"] for _, event in self.got))

    def close(self) -> None:
        """Read no more."""
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, message: Any) -> None:
        with self._lock:
            self._got.append((message.topic, json.loads(message.payload)))
