"""cbmnet on the engines' workload, and on its own: one measurement a process, as des_peers.py does.

    python cbmnet_loads.py --list
    python cbmnet_loads.py --worker cbmnet_sealed

The stop-and-wait workload is workload.py's: delay 1, loss .1 each way, timeout 2.5, 20,000 messages. The
link has two stages (loss, transit); the rows of 4 and 6 stages add some that draw and change nothing.
`cbmnet_sealed` seals each notification and verifies it in full with the simulation MAC; link acknowledgements
are unsigned. `cbmnet_receipts` has signed receipts in their place (receipts.py). `*_traced` is the same with
every record kept as a line of JSON. `mesh_*` are the full mesh (mesh.py), small ones as often as
makes as many messages as the large one has. `pair_30_days` is a whole run: two states, hourly heartbeats,
MAC, all metrics observing.
"""

import argparse
import gc
import json
import resource
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from mesh import mesh
from receipts import receipts

from cbmnet.channels.link import build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.corruption import CorruptionConfig
from cbmnet.channels.stages.duplication import DuplicationConfig
from cbmnet.channels.stages.gilbert_elliott import GilbertElliottConfig
from cbmnet.channels.stages.uniform import UniformConfig
from cbmnet.drivers.clock import Clock
from cbmnet.drivers.simpy_driver import Host
from cbmnet.messages import Sender
from cbmnet.metrics.measure import measure
from cbmnet.metrics.metric import METRICS
from cbmnet.protocols.endpoint import VARIANTS, Acknowledged, Received, Send
from cbmnet.recorder import Recorder
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.keys import REALM, make_signers, make_verifier, trust_store
from cbmnet.simulation.run import Facts
from cbmnet.simulation.trace import Trace
from cbmnet.streams import Streams

STREAMS = Streams(1, 0)
NOTICE = {"activity": 7, "activity_class": "exercise", "size": 20000, "start_ms": 1_000_000}


STAGES = [("bernoulli", BernoulliConfig(0.1)), ("constant", ConstantConfig(1.0))]
# Draw and change nothing, so that the counts stay the same.
FURTHER = [
    ("duplication", DuplicationConfig(0.0)), ("corruption", CorruptionConfig(0.0)),
    ("uniform", UniformConfig(0.0, 0.0)), ("gilbert-elliott", GilbertElliottConfig(0.01, 0.3, 0.0, 0.0)),
]  # fmt: skip


def _line(
    on_a: Callable[[Any], None],
    on_b: Callable[[Any], None],
    stages: int = 2,
    recorder: Recorder | None = None,
) -> tuple[Clock, Host]:
    env, told, member = Clock(), recorder or Recorder(), VARIANTS["stop-and-wait"]
    hosts = []
    for name, on_event in (("a", on_a), ("b", on_b)):
        endpoint = member.make(member.config(rto_s=2.5, backoff=1.0, max_sends=64))
        hosts.append(Host(env, name, endpoint, on_event, told))
    a, b = hosts
    chosen = (STAGES + FURTHER)[:stages]
    a.connect(build_route("a", "b", [chosen], STREAMS), b)
    b.connect(build_route("b", "a", [chosen], STREAMS), a)
    return env, a


def unsigned(messages: int, stages: int = 2, recorder: Recorder | None = None) -> None:
    """Bytes of a notification's size, neither sealed nor verified."""
    body = bytes(300)
    sent = received = 0

    def next_one(event: Any) -> None:
        nonlocal sent
        if (event is None or type(event) is Acknowledged) and sent < messages:
            sent += 1
            host.command(Send("b", body, "notice", 1, 0, sent))

    def arrived(event: Any) -> None:
        nonlocal received
        received += type(event) is Received

    env, host = _line(next_one, arrived, stages, recorder)
    next_one(None)
    env.run()
    if received < messages:
        raise SystemExit(f"{received} of {messages} messages arrived")


def traced(load: Callable[..., None], messages: int) -> None:
    """The same with a trace, its first line and its hash included."""
    trace = Trace()
    trace.start(Facts(RunConfig.model_validate(_PAIR), 1, 0))
    load(messages, recorder=Recorder([trace]))
    last = trace.result(0.0)[-200:].splitlines()[-1]
    if json.loads(last)["records"] < 4 * messages:
        raise SystemExit("the trace is too short")


def sealed(messages: int, recorder: Recorder | None = None) -> None:
    """Each notification sealed at its sending and verified, all thirteen steps, at its arrival."""
    signers, secrets = make_signers(["a", "b"], "mac", STREAMS)
    sender = Sender("a", [signers["a"]], REALM)
    verifier = make_verifier("b", trust_store(signers), secrets, naive=False, ttl_s=86400.0)
    sent = 0

    def next_one(event: Any) -> None:
        nonlocal sent
        if (event is None or type(event) is Acknowledged) and sent < messages:
            sent += 1
            now_ms = round(env.now * 1000)
            wire = sender.seal("notice", ("b",), NOTICE, stream=1, now_ms=now_ms, ttl_ms=3_600_000).wire
            host.command(Send("b", wire, "notice", 1, 0, sent))

    def arrived(event: Any) -> None:
        if type(event) is Received:
            try:
                verifier.accept(event.data, round(env.now * 1000))
            except Exception as error:
                if getattr(error, "code", "") != "Duplicate":
                    raise

    env, host = _line(next_one, arrived, recorder=recorder)
    next_one(None)
    env.run()
    if verifier.verified != messages:
        raise SystemExit(f"{verifier.verified} of {messages} messages were verified")


_PAIR = {
    "name": "pair", "study": {"horizon": "30d"}, "heartbeat": {"period": "1h"},
    "states": {name: {"believed_delivery": "learned"} for name in ("a", "b")},
}  # fmt: skip


def pair(runs: int) -> None:
    """Whole 30-day runs of two states with hourly heartbeats, sealed with the MAC, all metrics watching."""
    config, names = RunConfig.model_validate(_PAIR), METRICS.names()
    for replication in range(runs):
        row = measure(config, 1, replication, names)
        if row.error or row.verified < 1300:
            raise SystemExit(row.error or f"only {row.verified} messages were verified")


def meshes(nodes: int, messages: int) -> None:
    """As many meshes of this size as make this many messages."""
    each = nodes * (nodes - 1)
    for replication in range(messages // each):
        received = mesh(nodes, replication)
        if nodes == LARGE and not 0.895 < received / each < 0.905:
            raise SystemExit(f"{received} of {each} messages arrived")


LARGE = 1000
LOADS: dict[str, tuple[Callable[[int], None], int, int]] = {
    "cbmnet_unsigned": (unsigned, 20_000, 50),
    "cbmnet_4_stages": (partial(unsigned, stages=4), 20_000, 50),
    "cbmnet_6_stages": (partial(unsigned, stages=6), 20_000, 50),
    "cbmnet_unsigned_traced": (partial(traced, unsigned), 20_000, 50),
    "cbmnet_sealed": (sealed, 20_000, 50),
    "cbmnet_sealed_traced": (partial(traced, sealed), 20_000, 50),
    "cbmnet_receipts": (receipts, 20_000, 50),
    "mesh_10": (partial(meshes, 10), 999_000, 90),
    "mesh_100": (partial(meshes, 100), 990_000, 9_900),
    "mesh_1000": (partial(meshes, LARGE), 999_000, 0),
    "pair_30_days": (pair, 20, 1),
}


def main() -> None:
    """Lists, or measures one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--worker", choices=LOADS)
    chosen = parser.parse_args()
    if chosen.list:
        print("\n".join(LOADS))
        return
    load, count, warm_up = LOADS[chosen.worker]
    load(warm_up)
    gc.collect()
    start_s = perf_counter()
    load(count)
    seconds = perf_counter() - start_s
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"engine": chosen.worker, "seconds": seconds, "messages": count, "peak_mib": peak_mib}))


if __name__ == "__main__":
    main()
