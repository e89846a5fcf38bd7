"""What is the operators', asked by those who are none; and operators who go beyond what two people may do."""

import os
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.hostile.case import Subject, demand, said
from tests.hostile.line import Line, reach
from tests.hostile.scene import Scene, fields

SUBJECT = Subject("operators")

BANK = 0
"""In whose name the journal has what operators did."""

DESK = frozenset({"operators", "terminals", "acts", "proposals"})

AS_STRANGER = """
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
os.write(1, b"".join(iter(lambda: line.recv(4096), b"")))
"""

SUBJECT.visitor("OPERATE without a certificate", "a OPERATE", "a 403 reason=operator", ends=True)
SUBJECT.visitor("OPERATE with a name", "a OPERATE operator=root", "a 400 reason=field field=operator")
SUBJECT.customer("OPERATE in a customer's session", "a OPERATE", "a 403 reason=state")
for verb in ("CREDIT account=$mine amount=1 currency=USD key=$key reason=x", "APPROVE proposal=1", "ACTS", "PROPOSALS"):
    SUBJECT.customer(f"{verb.split(' ')[0]} in a customer's session", f"a {verb}", "a 403 reason=state")


def operator(scene: Scene, role: str) -> Line:
    """A connection of a new operator's, who is known by a certificate."""
    name = f"{role[:3]}-{scene.names['key']}-{len(scene.names)}"
    pem = scene.bank.folder / f"{name}.pem"
    scene.names[name] = name
    scene.bank.bankctl("terminal", "enrol", name, "--out", str(pem))
    scene.bank.bankctl("operator", "add", name, "--role", role, "--certificate", str(pem))
    context = ssl.create_default_context(cafile=str(scene.bank.state / "ca.pem"))
    context.load_cert_chain(pem)
    line = Line.over(reach(scene.bank.port), context, "localhost")
    scene.keep(line.socket)
    demand(line.ask("OPERATE") == f"200 operator={name} role={role}", "the operator is none")
    return line


CREDIT = "CREDIT account=$mine amount=500 currency=USD key=$key reason=Counted"


@SUBJECT.case("what an operator may not, and values that are none", changes=DESK)
def _(scene: Scene) -> None:
    line, huge = operator(scene, "administrator"), "9" * 18
    for request, told in {
        "BALANCE": "403 reason=state",
        "LOGIN account=$mine pin=$pin": "403 reason=state",
        "OPERATE": "403 reason=state",
        f"APPROVE proposal={huge}": "404 reason=proposal",
        f"APPROVE proposal={huge}9": "400 reason=field field=proposal",
        f"FIND_ENTRY receipt={huge}": "404 reason=entry",
        f"REVERSE_ENTRY receipt={huge} key=$key reason=x": "404 reason=entry",
        f"PROPOSALS since={huge}": "200",
        f"ACTS since={huge}": "200",
        "APPROVE proposal=-1": "400 reason=field field=proposal",
        "APPROVE proposal=0": "404 reason=proposal",
        f"{CREDIT}%0A2026": "400 reason=field field=reason",
        f"{CREDIT}%1B[2J": "400 reason=line",
        f"{CREDIT}%E2%80%AE": "400 reason=field field=reason",
        CREDIT.replace("key=$key", "key="): "400 reason=field field=key",
        CREDIT.replace("key=$key", f"key={'k' * 65}"): "400 reason=field field=key",
        CREDIT.replace("=500", "=-500"): "400 reason=field field=amount",
        CREDIT.replace("$mine", "TILL-USD"): "404 reason=account",
    }.items():
        answer = line.ask(scene.fill(request))
        demand(answer == told, f"{request} was answered {answer}, and should be {told}")


@SUBJECT.case("approving what one has proposed oneself, and with a teller's role", changes=DESK)
def _(scene: Scene) -> None:
    for role, told in (("administrator", "403 reason=own"), ("teller", "403 reason=role")):
        line = operator(scene, role)
        proposal = fields(line.ask(scene.fill(CREDIT)))["proposal"]
        demand(line.ask(f"APPROVE proposal={proposal}") == told, f"a {role} approved")
        demand(line.ask(scene.fill(CREDIT.replace("500", "501"))) == "409 reason=key", "a key counted twice")


@SUBJECT.case("one proposal, approved ten times at once by two", entries=None, changes=DESK | {"accounts", "notices"})
def _(scene: Scene) -> None:
    scene.others.add(BANK)
    teller = operator(scene, "teller")
    approvers = [operator(scene, "administrator") for _ in range(2)]
    before = scene.balance_of(scene.mallory)
    proposal = fields(teller.ask(scene.fill(CREDIT)))["proposal"]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda line: [line.ask(f"APPROVE proposal={proposal}") for _ in range(5)], approvers))
    paid = scene.balance_of(scene.mallory) - before
    demand(paid == 500, f"{paid} were paid, and should be 500")


@SUBJECT.case("the operators' socket, entered by a user who is no operator")
def _(scene: Scene) -> None:
    path = scene.bank.state / "operators.sock"
    if os.geteuid() != 0:
        return  # only root can be somebody else, and a user of the bank's own is an operator
    probe = socket.socket(socket.AF_UNIX)
    probe.connect(str(path))
    scene.keep(probe)
    demand(" role=administrator" in Line.bare(probe).until("* 200 operator=")[-1], "the owner is no operator")
    become = f"import os, socket, sys; os.setgroups([]); os.chdir({str(path.parent)!r}); os.setuid(21999)\n"
    found = subprocess.run(
        [sys.executable, "-c", become + AS_STRANGER, path.name], capture_output=True, text=True, timeout=30, check=False
    )
    demand("role=" not in found.stdout and "Permission" in found.stderr, f"{found.stdout} {found.stderr}")
    said(scene, scene.visitor(), "a NOOP", ["a 200"])
