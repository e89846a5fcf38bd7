"""What `twistd` and the plugin search find of bankd: the bank, its protocols, deliveries, ways out."""

from twisted.application.service import ServiceMaker

from bankd.plugin import DeliveryMaker, ForwardingMaker, ProtocolMaker

bankd = ServiceMaker(
    "bankd",
    "bankd.tap",
    "A complete retail bank: TLS line protocol, live notices, exact ledger.",
    "bankd",
)
line = ProtocolMaker("line", "bankd.protocols.line_factory.LineFactory")
status = ProtocolMaker("status", "bankd.protocols.status.StatusSite", secure=False)
console = DeliveryMaker("console", "bankd.delivery.console.Console")
file = DeliveryMaker("file", "bankd.delivery.file.File")
smtp = DeliveryMaker("smtp", "bankd.delivery.smtp.Smtp")
sms = DeliveryMaker("sms", "bankd.delivery.sms.Sms")
script = DeliveryMaker("script", "bankd.delivery.script.Script")
webhook = ForwardingMaker("webhook", "bankd.forwarding.webhook.Webhook")
mqtt = ForwardingMaker("mqtt", "bankd.forwarding.mqtt.Mqtt")
email = ForwardingMaker("email", "bankd.forwarding.email.Email", shared="smtp")
