"""Hypothesis strategies: schedules of faults, which Hypothesis itself shrinks."""

from collections.abc import Sequence

from hypothesis import strategies as st

from cbmnet.channels.faults import Crash, Datagrams, Delay, Drop, Duplicate, Fault, Node, Pause
from cbmnet.errors import LocalProtocolError


def fault_schedules(
    links: Sequence[str] = ("a>b", "b>a"),
    *,
    kinds: Sequence[str | None] = (None,),
    sequences: int = 6,
    attempts: int = 4,
    max_faults: int = 8,
    nodes: Sequence[str] = (),
    until_s: float = 60.0,
    loses_state: bool = False,
) -> st.SearchStrategy[tuple[Fault, ...]]:
    """Schedules for `EndpointNetwork(..., faults=...)`: no two faults for the same datagrams.

    Losses, delays and copies of the first `attempts` attempts at the first `sequences` messages of each
    link; with `nodes`, also crashes and pauses before `until_s`, one a party; with `loses_state` a party may
    come back without what it knew. Times are whole seconds.
    """
    for name, given in (("links", links), ("kinds", kinds), ("nodes", nodes)):
        if isinstance(given, str):  # it would pass for a list of letters
            raise LocalProtocolError(f"{name} is the text {given!r}; it is a list, such as [{given!r}]")
    at = st.builds(
        Datagrams, st.sampled_from(links), st.sampled_from(kinds),
        sequence=st.integers(1, sequences), attempt=st.integers(1, attempts),
    )  # fmt: skip
    seconds = st.integers(1, 20).map(float)
    link_faults = st.one_of(
        st.builds(Drop, at), st.builds(Delay, at, seconds), st.builds(Duplicate, at, seconds)
    )
    some = st.lists(link_faults, max_size=max_faults, unique_by=lambda fault: fault.at)
    if not nodes:
        return some.map(tuple)
    node_at = st.builds(Node, st.sampled_from(nodes), st.integers(0, int(until_s)).map(float))
    forgets = st.booleans() if loses_state else st.just(False)
    failures = st.one_of(st.builds(Crash, node_at, seconds, forgets), st.builds(Pause, node_at, seconds))
    some_failures = st.lists(failures, max_size=len(nodes), unique_by=lambda fault: fault.at.node)
    return st.tuples(some, some_failures).map(lambda both: (*both[0], *both[1]))
