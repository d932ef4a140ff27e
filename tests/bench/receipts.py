"""Stop-and-wait whose acknowledgements are signed receipts, in cbmnet, on the workload of workload.py.

The variant is `receipts` at depth 2 with an `AcceptingNotary`: each notification is sealed, verified in full,
all thirteen steps, by the receiver's notary, and answered with a sealed receipt, which the sender's notary
checks. That variant repeats nothing, so what is missing after the timeout is sent
again here, the same envelope as a chain of its own, until its receipt has come: the work of stop-and-wait.
Reading the floor as link acknowledgements plus receipts would send twice the datagrams of the workload.
"""

from typing import Any

from cbmnet.channels.link import build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.drivers.clock import Call, Clock, schedule
from cbmnet.drivers.simpy_driver import Host
from cbmnet.messages import (
    BUILTIN,
    Accepted,
    Code,
    Entry,
    MacSigner,
    Sender,
    SignedMessageError,
    TrustStore,
    Verifier,
)
from cbmnet.protocols.endpoint import Forged, Malformed, Receipted, Received, Send
from cbmnet.protocols.notary import AcceptingNotary
from cbmnet.protocols.variants.receipts import Receipts, ReceiptsConfig
from cbmnet.recorder import Recorder
from cbmnet.streams import Streams

REALM, TTL_MS, TIMEOUT_S = "sim", 3_600_000, 2.5
NOTICE = {"activity": 7, "activity_class": "exercise", "size": 20000, "start_ms": 1_000_000}
STREAMS = Streams(1, 0)


class Line:
    """Two hosts; `a` seals and repeats, `b` verifies, and either has a notary."""

    def __init__(self, messages: int) -> None:
        secrets = {name: STREAMS.bytes("mac", name, 32) for name in "ab"}
        self.signers = {name: MacSigner(secret) for name, secret in secrets.items()}
        self.secrets = {self.signers[name].kid: secret for name, secret in secrets.items()}
        self.store = TrustStore(
            [
                Entry.for_signer(signer, name, name, sorted(BUILTIN), not_before_ms=0, not_after_ms=2**62)
                for name, signer in self.signers.items()
            ]
        )
        self.env, self.messages, self.sender = Clock(), messages, self._sender("a")
        self.sealed = self.chains = self.settled = self.accepted = 0
        self.notary = self._notary("a")
        self.host = self._host("a", self.notary, self.heard)
        other = self._host("b", self._notary("b"), self.arrived)
        for source, target in ((self.host, other), (other, self.host)):
            stages = [("bernoulli", BernoulliConfig(0.1)), ("constant", ConstantConfig(1.0))]
            source.connect(build_route(source.name, target.name, [stages], STREAMS), target)

    def _sender(self, name: str) -> Sender:
        return Sender(name, [self.signers[name]], REALM)

    def _notary(self, name: str) -> AcceptingNotary:
        verifier = Verifier(name, REALM, self.store, secrets=self.secrets)
        return AcceptingNotary(self._sender(name), verifier, self.judged, ttl_s=TTL_MS / 1000)

    def _host(self, name: str, notary: AcceptingNotary, on_event: Any) -> Host:
        return Host(self.env, name, Receipts(ReceiptsConfig(2), notary), on_event, Recorder())

    def next_one(self) -> None:
        """Seals the next notification and sends it for the first time."""
        if self.sealed < self.messages:
            self.sealed += 1
            now_ms = round(self.env.now * 1000)
            sealed = self.sender.seal("notice", ("b",), NOTICE, stream=1, now_ms=now_ms, ttl_ms=TTL_MS)
            self.notary.expect(sealed)
            self.wire = sealed.wire
            self.send()

    def send(self) -> None:
        """Sends the envelope under way, and again after the timeout if its receipt has not come."""
        self.chains += 1
        self.host.command(Send("b", self.wire, "notice", 1, 0, self.chains))
        schedule(self.env, TIMEOUT_S, self.chains, self.late)

    def late(self, event: Call) -> None:
        """The timeout of a chain: it counts if no later chain was begun."""
        if event.value == self.chains and self.settled < self.sealed:
            self.send()

    def heard(self, event: Any) -> None:
        """A receipt that the notary took, of the envelope under way."""
        if type(event) in (Forged, Malformed):
            raise SystemExit(f"{event}")
        if type(event) is Receipted and event.signed and event.sequence == self.chains:
            self.settled += 1
            self.next_one()

    def arrived(self, event: Any) -> None:
        """What the notary has judged already."""
        if type(event) is not Received:
            raise SystemExit(f"{event}")

    def judged(self, said: Accepted | SignedMessageError) -> None:
        """The notary's word: accepted, or a duplicate."""
        if type(said) is Accepted:
            self.accepted += 1
        elif said.code != Code.DUPLICATE:
            raise said


def receipts(messages: int) -> None:
    """Until every notification has its receipt."""
    line = Line(messages)
    line.next_one()
    line.env.run()
    if line.settled < messages or line.accepted != messages:
        raise SystemExit(f"{line.settled} receipts, {line.accepted} of {messages} accepted")
