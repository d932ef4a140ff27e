"""The full mesh in cbmnet: each of n nodes sends one message to each other at t = 0.

Delays are uniform(.5, 1.5), loss is 10 %, as in des_peers.py. A message is bytes in a link frame, sent by
the endpoint of a variant (fire and forget), with a record's label and draws keyed by its link and label;
building the hosts and their fans is part of the time, as building the inboxes is for the peer.
"""

from typing import Any

from cbmnet.channels.fan import Fan
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.uniform import UniformConfig
from cbmnet.drivers.clock import Clock
from cbmnet.drivers.simpy_driver import Host
from cbmnet.protocols.endpoint import VARIANTS, Received, Send
from cbmnet.recorder import Recorder
from cbmnet.streams import Streams

STAGES = [("bernoulli", BernoulliConfig(0.1)), ("uniform", UniformConfig(1.0, 0.5))]
BODY = bytes(64)


def mesh(nodes: int, replication: int = 0) -> int:
    """One run; the number of messages that arrived."""
    env, recorder, streams = Clock(max_steps_at_once=nodes * nodes), Recorder(), Streams(1, replication)
    member = VARIANTS["fire-and-forget"]
    received = 0

    def count(event: Any) -> None:
        nonlocal received
        received += type(event) is Received

    hosts: dict[str, Host] = {}
    for number in range(nodes):
        name = f"n{number}"
        hosts[name] = host = Host(env, name, member.make(member.config()), count, recorder)
        host.connect_all(Fan(name, STAGES, streams), hosts.__getitem__)
    for name, host in hosts.items():
        for peer in hosts:
            if peer is not name:
                host.command(Send(peer, BODY, "notice", 1, 0, 1))
    env.run()
    return received
