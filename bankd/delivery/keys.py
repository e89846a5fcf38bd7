"""The settings of deliveries: the section ``[delivery]``, and those of the deliveries that come with bankd.

What must go together in a section of the latter is seen to by their couriers.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from bankd.delivery.post import MOST_SECONDS, Postage
from bankd.settings_values import PASSWORD, REMOTE_PORT, Key, between, path, remote_port, visible


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split())
    if len(set(names)) < len(names) or not all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names):
        raise ValueError(text)
    return names


def _try_seconds(text: str) -> int:
    return between(text, 1, MOST_SECONDS)


def _most(text: str) -> int:
    return between(text, 1, 10_000)


def _security(text: str) -> str:
    if text not in ("starttls", "tls", "none"):
        raise ValueError(text)
    return text


_WAYS_OUT = "names of ways, such as webhook mqtt"
_NAMES = "names of deliveries, the first choice first, such as sms smtp"
_PEM = "a PEM file"

KEYS = (
    Key("delivery", "order", _names, _NAMES, "", "by what customers are sent messages; left out, by nothing"),
    Key(
        *("delivery", "try_seconds", _try_seconds, f"whole seconds: 1 to {MOST_SECONDS}"),
        *("20", "how long one try to deliver may take"),
    ),
    Key("delivery", "most_under_way", _most, "a number: 1 to 10000", "100", "how many messages may wait at a time"),
    Key("delivery", "events", _names, _WAYS_OUT, "", "by what ways events go out to other systems; left out, by none"),
    Key("file", "path", path, "a file", "", "where to append messages"),
    Key("smtp", "host", visible, "a host's name or IP address", "", "the mail server"),
    Key("smtp", "port", remote_port, REMOTE_PORT, "587", "the TCP port of the mail server"),
    Key("smtp", "security", _security, "starttls, tls or none", "starttls", "how the connection is secured"),
    Key("smtp", "from", visible, "an e-mail address", "", "who messages are from"),
    Key("smtp", "user", visible, "a name", "", "who the bank is at the mail server; left out, it does not log in"),
    Key("smtp", "password_file", path, PASSWORD, "", "where the password of that user is"),
    Key(
        "smtp", "ca_file", path, _PEM, "", "who signs the mail server's certificate; left out, whom this machine trusts"
    ),
    Key("sms", "url", visible, "an HTTPS URL", "", "where the gateway takes messages"),
    Key(
        *("sms", "template", visible, "a JSON object or a form, with {to} and {text} in its values"),
        *('{"to": "{to}", "text": "{text}"}', "what the gateway is sent"),
    ),
    Key("sms", "token_file", path, PASSWORD, "", "where the gateway's token or password is"),
    Key("sms", "user", visible, "a name", "", "who the bank is at the gateway; left out, whoever has the token"),
    Key("sms", "ca_file", path, _PEM, "", "who signs the gateway's certificate; left out, whom this machine trusts"),
    Key("webhook", "url", visible, "an HTTPS URL", "", "where events are posted"),
    Key("webhook", "secret_file", path, PASSWORD, "", "where the secret is that events are signed with"),
    Key(
        "webhook", "ca_file", path, _PEM, "", "who signs the receiver's certificate; left out, whom this machine trusts"
    ),
    Key("mqtt", "url", visible, "mqtts:// and a host", "", "the MQTT broker at which events are published"),
    Key("mqtt", "topic", visible, "a topic", "bankd", "how topics begin; the kind of the event follows, after a /"),
    Key("mqtt", "user", visible, "a name", "", "who the bank is at the broker; left out, it does not log in"),
    Key("mqtt", "password_file", path, PASSWORD, "", "where the password of that user is"),
    Key("mqtt", "ca_file", path, _PEM, "", "who signs the broker's certificate; left out, whom this machine trusts"),
    Key("script", "command", shlex.split, "a program and its arguments", "", "what to start for each message"),
)
"""Every key of theirs."""

_SECTIONS = frozenset(key.section for key in KEYS)

Sections = Mapping[str, Mapping[str, Any]]
"""Values by section and key."""


NAMING = ("order", "events")
"""The keys of ``[delivery]`` that name deliveries and ways out."""


def sections_of_others(*naming: str) -> set[str]:
    """The sections of a file that belong to deliveries and ways out which others wrote: those that are named."""
    return {name for text in naming for name in text.split()} - _SECTIONS - {"email"}


def postage(sections: Sections, written: Mapping[tuple[str, str], str]) -> Postage:
    """What the settings say of deliveries: our sections with their values, those of others as they are ``written``."""
    named = sections_of_others(*(written["delivery", name] for name in NAMING))
    theirs: dict[str, dict[str, str]] = {section: {} for section in named}
    for (section, name), text in written.items():
        if section in theirs:
            theirs[section][name] = text
    ours = {section: sections[section] for section in _SECTIONS}
    return Postage(**sections["delivery"], sections={**ours, **theirs})
