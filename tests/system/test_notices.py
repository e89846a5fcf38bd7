"""Notices at a real client of a real bank, while the network does to their datagrams what networks do."""

import re
import socket
from contextlib import closing
from random import Random

from bankd.wire.notice import PROBE_OCTETS
from tests.rough_road import Detour, RoughRoad, Weather
from tests.system.road import Road
from tests.system.support import PlainClient, SystemTestCase
from tests.system.test_seeds import Terminal

PAYMENTS = 80
"""Payments that the client is told of."""

FORGERIES = 300
"""Datagrams that somebody else sends to it meanwhile, from the bank's own address."""


class RoughRoadTests(SystemTestCase):
    """Of the datagrams 30 % are lost, a tenth come twice, a third are overtaken; others are forged (S0.7, S0.16)."""

    def test_every_notice_once_and_in_order(self) -> None:
        """All the same the client tells of every notice once, in order, and nothing else; and the probe came first."""
        bank = self.open_bank(lease_seconds="3")
        alice, bob, _ = bank.customers
        detour = Detour(9, RoughRoad(20, Weather()))
        self.addCleanup(detour.close)
        road = Road(bank)
        self.addCleanup(road.close)
        road.rewrite = lambda line: by_way_of(detour, line)
        client = PlainClient(road)
        self.addCleanup(client.kill)
        client.log_in(alice.account, alice.pin)
        with closing(Terminal(bank, bob)) as payer:
            for payment in range(PAYMENTS):
                payer.ask(f"TRANSFER to={alice.account} amount=1 currency=USD key=k{payment}")
                if payment % 10 == 0:
                    forge(Random(payment), detour, FORGERIES * 10 // PAYMENTS)
        last = PAYMENTS + 1  # the first is the deposit at the opening
        client.wait_for(f"[{last}] ")
        self.assertEqual(numbers_told(client.printed), [*range(2, last + 1)])
        self.assertGreater(detour.road.counted["lost"], 10)
        self.assertEqual(len(detour.seen[0]), PROBE_OCTETS)


def numbers_told(printed: str) -> list[int]:
    """The numbers of the notices that were shown, in their order, and of those that were said to come before them."""
    told, passed_over = [1], 0
    for more, shown in re.findall(r"^(?:(\d+) more notices? came|\[(\d+)\] You received 0\.01 USD)", printed, re.M):
        if more:
            passed_over = int(more)
        else:
            told += [*range(told[-1] + 1, told[-1] + 1 + passed_over), int(shown)]
            passed_over = 0
    return told[1:]


def by_way_of(detour: Detour, line: bytes) -> bytes:
    """A request as it goes on to the bank: in a LISTEN with the detour's port, which leads to its own."""
    found = re.fullmatch(rb"(\w+ LISTEN port=)(\d+)(\r\n)", line)
    if found is None:
        return line
    detour.lead_to(int(found[2]))
    return found[1] + str(detour.port).encode() + found[3]


def forge(chance: Random, detour: Detour, count: int) -> None:
    """Send the client as many datagrams that are none of the bank's, and some that are, but altered or sent before."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.bind(("127.0.0.1", 0))
        for _ in range(count):
            model = bytearray(chance.choice(detour.seen))
            if chance.random() < 0.7:
                model[chance.randrange(len(model))] ^= 1 << chance.randrange(8)
            udp.sendto(bytes(model), ("127.0.0.1", detour.target))
