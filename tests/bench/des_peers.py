"""Two workloads in several discrete-event engines, one measurement a process.

    python des_peers.py --list             what can be measured here
    python des_peers.py --worker heapq     one JSON line: engine, seconds, messages, peak_mib

Stop-and-wait is workload.py's. The full mesh: each of n nodes sends one message to each other at t = 0, loss
is 10 %, delays are uniform(.5, 1.5); small meshes run as often as makes as many messages as the large has.

A worker checks its counts against a plain loop and fails when they differ. The script needs the peers and
nothing else; they live in an environment of their own.
"""

import argparse
import gc
import heapq
import importlib
import json
import random
import resource
import sys
from collections.abc import Callable
from time import perf_counter
from types import SimpleNamespace
from typing import Any

from workload import DELAY, LOSS, TIMEOUT, CallbackSender, Workload, plain_loop

WARM_UP_MESSAGES = 50


def run_heapq(work: Workload) -> None:
    """A heap of (time, number, function, argument): the least an engine in Python can do."""
    heap: list[tuple[float, int, Callable[[int], None], int]] = []
    now, count = 0.0, 0

    def after(delay: float, function: Callable[[int], None], argument: int) -> None:
        nonlocal count
        count += 1
        heapq.heappush(heap, (now + delay, count, function, argument))

    CallbackSender(work, after, lambda: now).send()
    while heap:
        now, _, function, argument = heapq.heappop(heap)
        function(argument)


def run_simpy_callback(work: Workload) -> None:
    """SimPy with a Timeout for every event and a function on its list of callbacks; no process."""
    import simpy

    env = simpy.Environment()

    def after(delay: float, function: Callable[[int], None], argument: int) -> None:
        env.timeout(delay, argument).callbacks.append(lambda event: function(event.value))

    CallbackSender(work, after, lambda: env.now).send()
    env.run()


def run_simpy_process(work: Workload) -> None:
    """SimPy as its documentation writes it (event latency): a process a message, Store inboxes."""
    import simpy

    env = simpy.Environment()
    to_receiver, to_sender = simpy.Store(env), simpy.Store(env)

    def latency(store: Any, number: int) -> Any:
        yield env.timeout(DELAY)
        yield store.put(number)

    def sender() -> Any:
        number, inbox = 0, to_sender.get()
        while number < work.messages:
            if work.data_survives():
                env.process(latency(to_receiver, number))
            got = yield inbox | env.timeout(TIMEOUT)
            if inbox in got:
                number += got[inbox] == number
                inbox = to_sender.get()
        work.end = env.now

    def receiver() -> Any:
        while True:
            number = yield to_receiver.get()
            if work.ack_survives(number):
                env.process(latency(to_sender, number))

    env.process(receiver())
    env.run(until=env.process(sender()))


def run_nspy(work: Workload) -> None:
    """ns.py: its Wire in both directions, its Packet; the sender is a SimPy process."""
    import simpy
    from ns.packet.packet import Packet
    from ns.port.wire import Wire

    env = simpy.Environment()
    waiting = env.event()

    def receive(packet: Any) -> None:
        lost[back] = not work.ack_survives(packet.packet_id)
        back.put(Packet(env.now, 40, packet.packet_id))

    def acknowledge(packet: Any) -> None:
        if not waiting.triggered:
            waiting.succeed(packet.packet_id)

    def sender() -> Any:
        nonlocal waiting
        number = 0
        while number < work.messages:
            lost[forth] = not work.data_survives()
            forth.put(Packet(env.now, 40, number))
            waiting = env.event()
            got = yield waiting | env.timeout(TIMEOUT)
            number += waiting in got and got[waiting] == number
        work.end = env.now

    # A Wire loses what it carries when a uniform draw falls below its loss: 2 always, 0 never.
    lost: dict[Any, bool] = {}
    forth: Any = Wire(env, lambda: DELAY, lambda packet_id: 2.0 if lost[forth] else 0.0)
    back: Any = Wire(env, lambda: DELAY, lambda packet_id: 2.0 if lost[back] else 0.0)
    forth.out, back.out = SimpleNamespace(put=receive), SimpleNamespace(put=acknowledge)
    env.run(until=env.process(sender()))


def run_asimpy(work: Workload) -> None:
    """asimpy: a process a message, Queue inboxes."""
    from asimpy import Environment, FirstOf, Process, Queue, Timeout

    env = Environment()
    to_receiver, to_sender = Queue(env), Queue(env)

    class Flight(Process):
        def init(self, queue: Any, number: int) -> None:
            self.queue, self.number = queue, number

        async def run(self) -> None:
            await self.timeout(DELAY)
            await self.queue.put(self.number)

    class Sender(Process):
        async def run(self) -> None:
            number = 0
            while number < work.messages:
                if work.data_survives():
                    Flight(env, to_receiver, number)
                which, got = await FirstOf(env, ack=to_sender.get(), late=Timeout(env, TIMEOUT))
                number += which == "ack" and got == number
            work.end = env.now

    class Receiver(Process):
        async def run(self) -> None:
            while True:
                number = await to_receiver.get()
                if work.ack_survives(number):
                    Flight(env, to_sender, number)

    Sender(env)
    Receiver(env)
    env.run()


def run_salabim(work: Workload) -> None:
    """salabim in its generator mode: one component a direction, woken for each message.

    A component a message is its other idiom, and some twenty-five times slower; a comparison takes the best.
    """
    import salabim

    salabim.yieldless(False)
    env = salabim.Environment(trace=False, random_seed=None, yieldless=False)

    class Wire(salabim.Component):
        def process(self) -> Any:
            while True:
                yield self.passivate()
                yield self.hold(DELAY)
                self.deliver(self.number)

    class Sender(salabim.Component):
        number = 0

        def process(self) -> Any:
            while self.number < work.messages:
                if work.data_survives():
                    send(forth, self.number)
                yield self.hold(TIMEOUT)
            work.end = env.now()
            env.main().activate()

    def send(wire: Any, number: int) -> None:
        wire.number = number
        wire.activate()

    def receive(number: int) -> None:
        if work.ack_survives(number):
            send(back, number)

    def acknowledge(number: int) -> None:
        sender.number = number + 1
        sender.activate()  # ends the wait for the timeout

    forth, back, sender = Wire(), Wire(), Sender()
    forth.deliver, back.deliver = receive, acknowledge
    env.run(till=salabim.inf)


def run_cimba(work: Workload) -> None:
    """cimba: its processes compiled to machine code, compiling not timed."""
    from cimba_peer import compiled

    compiled(work)


def simpy_mesh(nodes: int, replication: int) -> int:
    """SimPy as its documentation writes it: a Store and a process a node, a process a message."""
    import simpy

    env, draw = simpy.Environment(), random.Random(f"mesh {replication}").random
    inboxes = [simpy.Store(env) for _ in range(nodes)]
    received = 0

    def latency(inbox: Any, delay: float, message: int) -> Any:
        yield env.timeout(delay)
        yield inbox.put(message)

    def node(inbox: Any) -> Any:
        nonlocal received
        while True:
            yield inbox.get()
            received += 1

    for inbox in inboxes:
        env.process(node(inbox))
    for source in range(nodes):
        for target, inbox in enumerate(inboxes):
            if target != source and draw() >= LOSS:
                env.process(latency(inbox, 0.5 + draw(), source))
    env.run()
    return received


def measure_mesh(nodes: int, messages: int) -> dict[str, str | float]:
    """One timed run of as many meshes as make so many messages; SystemExit if too few or too many arrive."""
    simpy_mesh(nodes if nodes < 1000 else 10, 0)
    gc.collect()
    runs = max(1, messages // (nodes * (nodes - 1)))
    before = perf_counter()
    received = sum(simpy_mesh(nodes, replication) for replication in range(runs))
    seconds = perf_counter() - before
    sent = runs * nodes * (nodes - 1)
    if not 0.895 < received / sent < 0.905:
        raise SystemExit(f"{received} of {sent} messages arrived")
    return {"engine": f"simpy_mesh_{nodes}", "seconds": seconds, "messages": sent, "peak_mib": peak_mib()}


def peak_mib() -> float:
    """The most memory this process had."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


MESHES = {f"simpy_mesh_{nodes}": nodes for nodes in (10, 100, 1000)}
MESH_MESSAGES = 999_000
# By name: the module that must import, and what runs.
ENGINES: dict[str, tuple[str, Callable[[Workload], None]]] = {
    "heapq": ("heapq", run_heapq),
    "simpy_callback": ("simpy", run_simpy_callback),
    "simpy_process": ("simpy", run_simpy_process),
    "nspy": ("ns.port.wire", run_nspy),
    "asimpy": ("asimpy", run_asimpy),
    "salabim": ("salabim", run_salabim),
    "cimba": ("cimba", run_cimba),
}


def imports(name: str) -> bool:
    """Whether what the engine needs imports here."""
    try:
        importlib.import_module(ENGINES[name][0])
    except ImportError:
        return False
    return True


def measure(name: str, messages: int) -> dict[str, str | float]:
    """One timed run, after a short one that imports; raises SystemExit when its counts are wrong."""
    if name in MESHES:
        return measure_mesh(MESHES[name], MESH_MESSAGES)
    run = ENGINES[name][1]
    run(Workload(WARM_UP_MESSAGES))
    gc.collect()
    work, expected = Workload(messages), Workload(messages)
    before = perf_counter()
    run(work)
    seconds = work.seconds or perf_counter() - before
    plain_loop(expected)
    if work.counts() != expected.counts():
        raise SystemExit(f"{name} counts {work.counts()}, a plain loop {expected.counts()}")
    return {"engine": name, "seconds": seconds, "messages": messages, "peak_mib": peak_mib()}


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser()
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--list", action="store_true", help="name the engines that import")
    asked.add_argument("--worker", choices=[*ENGINES, *MESHES], help="measure one engine, print JSON")
    parser.add_argument("--messages", type=int, default=20_000)
    chosen = parser.parse_args()
    line = json.dumps(measure(chosen.worker, chosen.messages)) if chosen.worker else None
    there = [*filter(imports, ENGINES), *(MESHES if imports("simpy_process") else ())]
    sys.stdout.write((line or "\n".join(there)) + "\n")


if __name__ == "__main__":
    main()
