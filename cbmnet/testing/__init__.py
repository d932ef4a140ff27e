"""For tests of one's own protocol variants: a network by hand, faults as data, shrinking, search.

Everything is loaded when it is first asked for: the pytest plugin is in every environment that has cbmnet
and pytest, and costs nothing there. `fault_schedules` needs hypothesis (the extra `testing`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbmnet.channels.fault_lists import read_faults as read_faults
    from cbmnet.channels.fault_lists import write_faults as write_faults
    from cbmnet.channels.faults import Corrupt as Corrupt
    from cbmnet.channels.faults import Crash as Crash
    from cbmnet.channels.faults import Datagrams as Datagrams
    from cbmnet.channels.faults import Delay as Delay
    from cbmnet.channels.faults import Drop as Drop
    from cbmnet.channels.faults import Duplicate as Duplicate
    from cbmnet.channels.faults import Fault as Fault
    from cbmnet.channels.faults import Node as Node
    from cbmnet.channels.faults import Pause as Pause
    from cbmnet.channels.faults import SetClock as SetClock
    from cbmnet.testing.exhaustive import Counterexample as Counterexample
    from cbmnet.testing.exhaustive import Searched as Searched
    from cbmnet.testing.exhaustive import search as search
    from cbmnet.testing.network import EndpointNetwork as EndpointNetwork
    from cbmnet.testing.network import EndpointPair as EndpointPair
    from cbmnet.testing.protocol_tests import ProtocolTest as ProtocolTest
    from cbmnet.testing.protocol_tests import ProtocolTestError as ProtocolTestError
    from cbmnet.testing.protocol_tests import protocol_test as protocol_test
    from cbmnet.testing.replay_file import Replay as Replay
    from cbmnet.testing.risk import Risk as Risk
    from cbmnet.testing.search_state import Bounds as Bounds
    from cbmnet.testing.shrinking import Shrunk as Shrunk
    from cbmnet.testing.shrinking import shrink as shrink
    from cbmnet.testing.strategies import fault_schedules as fault_schedules

_PLACES = {
    "cbmnet.channels.faults": (
        "Corrupt", "Crash", "Datagrams", "Delay", "Drop", "Duplicate", "Fault", "Node", "Pause", "SetClock",
    ),
    "cbmnet.channels.fault_lists": ("read_faults", "write_faults"),
    "cbmnet.testing.network": ("EndpointNetwork", "EndpointPair"),
    "cbmnet.testing.protocol_tests": ("ProtocolTest", "ProtocolTestError", "protocol_test"),
    "cbmnet.testing.replay_file": ("Replay",),
    "cbmnet.testing.risk": ("Risk",),
    "cbmnet.testing.exhaustive": ("Counterexample", "Searched", "search"),
    "cbmnet.testing.search_state": ("Bounds",),
    "cbmnet.testing.shrinking": ("Shrunk", "shrink"),
    "cbmnet.testing.strategies": ("fault_schedules",),
}  # fmt: skip
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (a list, made of the table above)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value
