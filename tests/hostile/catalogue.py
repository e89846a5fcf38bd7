"""All subjects, in the order in which they are told, by groups that are played against one bank each."""

from tests.hostile.cases import (
    access,
    datagrams,
    framing,
    gate,
    http,
    money,
    operators,
    passcodes,
    people,
    pipelining,
    records,
    requests,
    sealed_lines,
    sealing,
    states,
    tls,
    tokens,
    values,
)

GROUPS = {
    "lines": (framing.SUBJECT, requests.SUBJECT),
    "values": (values.SUBJECT, people.SUBJECT),
    "order": (states.SUBJECT, pipelining.SUBJECT),
    "property": (money.SUBJECT, access.SUBJECT, tokens.SUBJECT, operators.SUBJECT),
    "seals": (sealing.SUBJECT, sealed_lines.SUBJECT),
    "passwords": (passcodes.SUBJECT,),
    "gate": (gate.SUBJECT,),
    "beneath": (tls.SUBJECT, records.SUBJECT, http.SUBJECT, datagrams.SUBJECT),
}

SUBJECTS = tuple(subject for group in GROUPS.values() for subject in group)
