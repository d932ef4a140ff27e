"""Lines for the tests of stages: real links and routes, with all that a stage may ask of its link."""

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from cbmnet.channels.link import Link, Route, build_route
from cbmnet.channels.stage import STAGES, Flight, LinkContext, Stage
from cbmnet.datagram import Datagram, Label
from cbmnet.streams import Streams

StageSpec = tuple[str, Any]


def route(*stages: StageSpec, seed: int = 3) -> Route:
    """A route of one hop from a to b, built as a run builds it."""
    return build_route("a", "b", [list(stages)], Streams(seed, 0))


def context(source: str, target: str, seed: int = 3) -> LinkContext:
    """What a stage of that link is told."""
    name, streams = f"{source}>{target}/0", Streams(seed, 0)
    return LinkContext(
        name, partial(_generator, streams, name), source, target, partial(_generator, streams, "shared")
    )


def stage(spec: StageSpec, source: str = "a", target: str = "b", seed: int = 3) -> Stage:
    """The stage itself, on the link between these parties."""
    return STAGES[spec[0]].make(spec[1], context(source, target, seed))


def line(*stages: Stage, source: str = "a", target: str = "b", seed: int = 3) -> Route:
    """A route of one hop through these stages."""
    name = f"{source}>{target}/0"
    return Route(source, target, [Link(name, stages, Streams(seed, 0).link(name))])


def fly(
    route: Route,
    n: int,
    data: bytes = b"0123456789",
    step_s: float = 0.0,
    at_s: Sequence[float] | None = None,
) -> list[Flight]:
    """What becomes of n datagrams, sent at equal steps or at given times."""
    times_s = at_s if at_s is not None else [k * step_s for k in range(n)]
    sent = [Datagram(data, "b", *Label("notice", 1, 0, number)) for number in range(1, n + 1)]
    return [f for datagram, now_s in zip(sent, times_s, strict=True) for f in route.carry(datagram, now_s)]


def runs(losses: Sequence[bool]) -> list[int]:
    """The lengths of the runs of losses."""
    return [len(run) for run in "".join("x" if lost else " " for lost in losses).split()]


def _generator(streams: Streams, name: str, purpose: str) -> Random:
    return streams.generator(f"stage/{purpose}", name)
