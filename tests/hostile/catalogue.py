"""All subjects, in the order in which they are told."""

from tests.hostile.cases import (
    access,
    datagrams,
    framing,
    http,
    money,
    people,
    pipelining,
    requests,
    states,
    tls,
    values,
)

SUBJECTS = (
    framing.SUBJECT,
    requests.SUBJECT,
    values.SUBJECT,
    people.SUBJECT,
    states.SUBJECT,
    pipelining.SUBJECT,
    money.SUBJECT,
    access.SUBJECT,
    tls.SUBJECT,
    records.SUBJECT,
    http.SUBJECT,
    datagrams.SUBJECT,
)
