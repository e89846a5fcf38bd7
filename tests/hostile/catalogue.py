"""All subjects, in the order in which they are told, by groups that are played against one bank each."""

from tests.hostile.cases import (
    access,
    datagrams,
    framing,
    http,
    money,
    people,
    pipelining,
    records,
    requests,
    sealing,
    states,
    tls,
    values,
)

GROUPS = {
    "lines": (framing.SUBJECT, requests.SUBJECT),
    "values": (values.SUBJECT, people.SUBJECT),
    "order": (states.SUBJECT, pipelining.SUBJECT),
    "property": (money.SUBJECT, access.SUBJECT),
    "seals": (sealing.SUBJECT,),
    "beneath": (tls.SUBJECT, records.SUBJECT, http.SUBJECT, datagrams.SUBJECT),
}

SUBJECTS = tuple(subject for group in GROUPS.values() for subject in group)
