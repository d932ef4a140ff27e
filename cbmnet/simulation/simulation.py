"""A run that is ready to go, and all that is in it."""

from dataclasses import dataclass, field

from simpy import Event

from cbmnet.drivers.clock import Clock
from cbmnet.drivers.simpy_driver import Host
from cbmnet.messages import Signer
from cbmnet.protocols.dialogue import Dialogue
from cbmnet.recorder import Recorder
from cbmnet.simulation.config import RunConfig
from cbmnet.states.state import State
from cbmnet.streams import Streams
from cbmnet.verification.agent import VerificationAgent
from cbmnet.verification.monitor import Monitor


@dataclass(slots=True)
class Simulation:
    """A run that is ready to go: the environment, its states, agents and hosts, and when it is over."""

    config: RunConfig
    env: Clock
    recorder: Recorder
    streams: Streams
    over: Event
    states: dict[str, State] = field(default_factory=dict)
    agents: dict[str, VerificationAgent] = field(default_factory=dict)
    dialogues: dict[str, Dialogue] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    signers: dict[str, Signer] = field(default_factory=dict)
    secrets: dict[bytes, bytes] = field(default_factory=dict)
    retired: list[tuple[Dialogue, VerificationAgent]] = field(default_factory=list)  # lost in crashes
    monitor: Monitor | None = None

    def end(self) -> None:
        """Ends the run at the present time."""
        if not self.over.triggered:
            self.over.succeed()
