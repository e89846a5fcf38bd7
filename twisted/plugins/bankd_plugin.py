"""What `twistd` and the plugin search find of bankd: the bank, and the protocols that it serves. All are only named."""

from twisted.application.service import ServiceMaker

from bankd.plugin import ProtocolMaker

bankd = ServiceMaker(
    "bankd",
    "bankd.tap",
    "A complete retail bank: TLS line protocol, live notices, exact ledger.",
    "bankd",
)
line = ProtocolMaker("line", "bankd.protocols.line_factory.LineFactory")
status = ProtocolMaker("status", "bankd.protocols.status.StatusSite", secure=False)
