"""What a burst-loss stage loses, and in which runs, when a message a second goes over it."""

from collections.abc import Mapping, Sequence

from cbmnet.channels.link import StageSpec
from cbmnet.protocols.events import Received
from cbmnet.streams import Streams
from cbmnet.validation.case import Outcome
from cbmnet.validation.line import Pair, a_second, number_of
from cbmnet.validation.trials import Row, Trials, ratio

MESSAGES, LOST, RUNS = range(3)
_RUN_BEGINS = b"\x01\x00"


def losses(chosen: Trials, stage: StageSpec, size: int, streams: Streams) -> list[Row]:
    """Messages, losses and runs of losses that begin, a batch.

    One message goes ahead of the first, so that it is known whether a loss begins a run.
    """
    arrived = bytearray(size + 1)

    def arrive(event: Received) -> None:
        arrived[number_of(event.data)] = 1

    pair = Pair("fire-and-forget", {}, on_b=arrive)
    pair.join(streams, [stage])
    pair.send_every(size + 1, a_second)
    return [
        (stop - start, arrived.count(0, start + 1, stop + 1), arrived.count(_RUN_BEGINS, start, stop + 1))
        for start, stop in chosen.batches(size)
    ]


def exact_runs(
    matrix: Sequence[Sequence[float]], shares: Sequence[float], loss: Sequence[float]
) -> tuple[float, float]:
    """Loss, and how often a message is lost after one that was not, of a chain with its stationary shares.

    A message is judged in the state before its transition. The mean run is the first over the second.
    """
    begins = sum(
        share * (1.0 - loss[i]) * move * loss[j]
        for i, share in enumerate(shares)
        for j, move in enumerate(matrix[i])
    )
    return sum(share * lost for share, lost in zip(shares, loss, strict=True)), begins


def check_runs(begins: float) -> None:
    """Raises ValueError where no run of losses would ever begin, or only after the rarest of waits."""
    if not begins > 1e-9:
        raise ValueError("with these every message is lost, or none is, and there are no runs to measure")


def outcomes(chosen: Trials, exact: tuple[float, float], rows: list[Row]) -> Mapping[str, Outcome]:
    """Both results."""
    loss, begins = exact
    return {
        "loss": ratio(chosen, loss, rows, LOST),
        "mean_loss_run": ratio(chosen, loss / begins, rows, LOST, RUNS, "messages in a row"),
    }
