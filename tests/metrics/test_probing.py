"""What `cbmnet probe` measures agrees with what is known of the configured line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cbmnet.metrics.probing import Plan, _batches, probe
from cbmnet.simulation.config import RunConfig
from cbmnet.statistics.interval import Interval


def measured(messages: int, every_s: float = 3600.0, **config: Any) -> dict[str, Interval | None]:
    states = {"red": {}, "blue": {}}
    base = {"name": "line", "study": {"horizon": "1d"}, "states": states}
    return probe(RunConfig.model_validate({**base, **config}), Plan("red", "blue", messages, every_s, 3))


def within(found: Interval | None, exact: float) -> bool:
    """Within twice the 95 % interval, about four standard errors."""
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return abs(found.mean - exact) <= found.high - found.low


def test_stop_and_wait_as_its_formulas_say() -> None:
    """Loss .5 each way, 5 sends, 8,000 messages: 3.0508 sends, .7627, .96875, .20605."""
    line = {"hops": 1, "loss": 0.5, "delay": "1s", "distribution": "constant"}
    protocol = {"variant": "stop-and-wait", "rto": "5s", "backoff": 1.0, "max_sends": 5}
    found = measured(8000, channel=line, protocol=protocol)
    exact = {
        "loss": 0.5, "mean loss run": 2.0, "sends a message": 3.0508, "acknowledged": 0.7627,
        "delivered": 0.96875, "delivered but believed failed": 0.20605,
    }  # fmt: skip
    assert {name for name, value in exact.items() if not within(found[name], value)} == set()
    assert found["reordered"] is not None
    assert found["reordered"].mean == 0.0


def test_bursts_and_delays() -> None:
    """Gilbert-Elliott p .02, r .2, e .01 and .6: loss .063636, run 1.71308; the median of an exponential."""
    burst = {"stage": "gilbert-elliott", "p": 0.02, "r": 0.2, "good_loss": 0.01, "bad_loss": 0.6}
    line = {"hops": 1, "loss": 0.0, "delay": "1h", "distribution": "exponential", "stages": [burst]}
    found = measured(40_000, 36.0, channel=line)
    assert within(found["loss"], 0.063636)
    assert within(found["mean loss run"], 1.71308)
    assert within(found["datagram delay, 50% quantile, s"], 3600 * 0.693147)
    assert found["reordered"] is not None
    assert found["reordered"].mean > 0.8


def test_a_line_that_loses_everything() -> None:
    """Nothing arrives: the rows that need an arrival say that there is none."""
    found = measured(50, channel={"loss": 1.0})
    assert found["loss"] is not None
    assert found["loss"].mean == 1.0
    assert found["datagram delay, 50% quantile, s"] is None
    assert found["reordered"] is None
    assert found["delivered"] is not None
    assert found["delivered"].mean == 0.0


def test_what_waits_to_the_end_was_never_sent() -> None:
    """Stop-and-wait that never gives up, on a dead line: one message under way, nine of ten behind it."""
    protocol = {"variant": "stop-and-wait", "rto": "1d", "backoff": 1.0, "max_sends": 64}
    found = measured(10, channel={"loss": 1.0}, protocol=protocol)
    assert found["never sent"] is not None
    assert found["never sent"].mean == 0.9


def test_faults_and_adversaries_are_there_too() -> None:
    """A probe of a config with an adversary that drops everything delivers nothing."""
    found = measured(30, channel={"loss": 0.0}, adversary=[{"sees": ["red"], "does": "drop"}])
    assert found["delivered"] is not None
    assert found["delivered"].mean == 0.0


def test_a_relay_is_given_custody() -> None:
    """With a third party between, what is acknowledged is custody; the notice still arrives."""
    states = {"red": {}, "blue": {}, "swiss": {}}
    line = {"hops": 1, "loss": 0.0, "delay": "1m", "distribution": "constant"}
    protocol = {"variant": "relay", "via": "swiss", "rto": "1h"}
    found = measured(20, channel=line, protocol=protocol, states=states)
    assert found["delivered"] is not None
    assert found["delivered"].mean == 1.0
    assert found["acknowledged"] is not None
    assert found["acknowledged"].mean == 1.0
    assert found["sends a message"] is not None
    assert found["sends a message"].mean == 1.0
    assert found["loss"] is not None


def cbmnet(*arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cbmnet", "probe", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


def test_the_verb_prints_a_table_or_json() -> None:
    """Of an episode of the package, with the link chosen; wrong links and times are one clear line."""
    file = str(Path(__file__).parents[2] / "sims/episodes/norway-1995.toml")
    told = json.loads(cbmnet(file, "--messages", "200", "--json", "--link", "norway>russia").stdout)
    assert told["link"] == "norway>russia"
    assert told["results"]["delivered"]["n"] == 200
    assert "delivered but believed failed" in cbmnet(file, "--messages", "50").stdout
    assert "two of norway, russia" in cbmnet(file, "--link", "norway>france", code=2).stderr
    assert "not a duration" in cbmnet(file, "--every", "5", code=2).stderr


def test_what_is_under_way_at_the_end_is_not_lost() -> None:
    """A line of two days with a notice every hour never rests and loses none: the share is 0, not less."""
    line = {"hops": 1, "loss": 0.0, "delay": "2d", "distribution": "constant"}
    found = measured(100, channel=line, protocol={"variant": "stop-and-wait", "rto": "9d"})
    loss, unsent = found["loss"], found["never sent"]
    assert loss is not None
    assert (loss.mean, loss.low) == (0.0, 0.0)
    assert unsent is not None
    assert unsent.mean > 0.5


@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_what_takes_longer_than_the_probe_is_not_lost(loss: float) -> None:
    """Delays of 400 days, or a receiver that stands still as long: what is lost is lost by the line."""
    slow = {"hops": 1, "loss": loss, "delay": "400d", "distribution": "constant"}
    still = [{"at": {"node": "blue", "time": "0s"}, "do": "pause", "for": "400d"}]
    quick = slow | {"delay": "1m"}
    for config in ({"channel": slow}, {"channel": quick, "faults": still}):
        found = measured(300, protocol={"variant": "fire-and-forget"}, **config)["loss"]
        assert found is not None
        assert abs(found.mean - loss) < 0.05


def test_what_is_acknowledged_and_not_delivered_is_a_row_of_its_own() -> None:
    """Where a link hands up damage, an acknowledgement may name another message: the dangerous way round."""
    protocol = {"variant": "stop-and-wait", "rto": "1h"}
    line = {"hops": 1, "loss": 0.0, "delay": "1m", "distribution": "constant"}
    damage = [{"stage": "corruption", "corrupt": 0.5}]
    found = measured(400, channel=line | {"stages": damage}, protocol=protocol)
    both, acknowledged, delivered = (
        found[name] for name in ("acknowledged but not delivered", "acknowledged", "delivered")
    )
    assert both is not None
    assert acknowledged is not None
    assert delivered is not None
    assert both.mean > 0.05
    assert both.mean >= acknowledged.mean - delivered.mean
    quiet = measured(50, channel=line, protocol=protocol)
    assert quiet["acknowledged but not delivered"] is not None
    assert quiet["acknowledged but not delivered"].mean == 0.0


def test_a_share_lies_between_0_and_1() -> None:
    """Also where the batches of a t interval would reach beyond."""
    found = measured(200, channel={"hops": 1, "loss": 0.005})["loss"]
    assert found is not None
    assert (found.low, round(found.mean, 6)) == (0.0, 0.015)


def test_times_are_told_as_people_say_them_and_too_many_notices_are_remarked(tmp_path: Path) -> None:
    """Days and minutes in the table, seconds in JSON; what was never sent is said in words."""
    text = (
        '[study]\nhorizon = "1d"\n[channel]\nhops = 1\nloss = 0.0\ndelay = "2d"\ndistribution = "constant"\n'
    )
    (tmp_path / "slow.toml").write_text(
        text + '[protocol]\nvariant = "stop-and-wait"\nrto = "9d"\n[states.a]\n[states.b]\n'
    )
    file = str(tmp_path / "slow.toml")
    told = cbmnet(file, "--messages", "100").stdout
    assert "datagram delay, 50% quantile " in told
    assert "[2d, 2d]" in told
    assert " of 100 notices were never sent before the end" in told
    assert "notices were never sent" not in cbmnet(file, "--messages", "5", "--every", "9d").stdout
    plain = json.loads(cbmnet(file, "--messages", "100", "--json").stdout)["results"]
    assert plain["datagram delay, 50% quantile, s"]["mean"] == 172800.0


@pytest.mark.parametrize("messages", [1, 7])
def test_few_messages_are_stated_as_few(messages: int) -> None:
    """Even one message gives a table; its limits are missing where it has none."""
    assert measured(messages)["delivered"] is not None


def test_the_share_is_that_of_all_values() -> None:
    """Also of those that are left over when a sample is cut into twenty: 19 of 39."""
    found = _batches([False] * 20 + [True] * 19, 0.95)
    assert found.mean == 19 / 39
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.mean <= found.high


def test_what_is_misrouted_is_lost_to_its_receiver() -> None:
    """A fifth comes to green, and none of it counts as arrived."""
    astray = {"stage": "misrouting", "misroute": 0.2, "to": ["green"]}
    line = {"hops": 1, "loss": 0.0, "delay": "1s", "distribution": "constant", "stages": [astray]}
    states: dict[str, Any] = {"red": {}, "blue": {}, "green": {}}
    found = measured(4000, channel=line, states=states, protocol={"variant": "fire-and-forget"})
    assert within(found["loss"], 0.2)
    assert within(found["delivered"], 0.8)


def test_a_copy_under_way_is_not_lost() -> None:
    """Every datagram twice, half of them lost, and none there at the end: nothing is known to be lost."""
    channel = {"stages": [{"stage": "duplication", "duplicate": 1.0}], "loss": 0.5, "hops": 1,
               "distribution": "constant"}  # fmt: skip
    soon, never = (
        measured(4000, channel={**channel, "delay": delay})["loss"] for delay in ("10m", "100000d")
    )
    assert within(soon, 0.25)
    assert never is not None
    assert soon is not None
    assert never.mean == soon.mean


@pytest.mark.parametrize("lost", [False, True])
def test_where_nothing_varies_the_interval_is_that_of_a_count(lost: bool) -> None:
    """None of 500 lost is no proof of a perfect line, nor all of them of a dead one."""
    found = _batches([lost] * 500, 0.95)
    assert found.mean == float(lost)
    assert found.low is not None
    assert found.high is not None
    assert 0.005 < found.high - found.low < 0.01


def test_what_the_script_does_to_lines_and_parties_is_in_force() -> None:
    """An outage, a crash, a pause and a clock of `[[at]]`; what it does to states means nothing here."""
    channel = {"hops": 1, "loss": 0.0, "delay": "10m", "distribution": "constant"}
    out = {"event": "outage", "from": "red", "to": "blue", "time": "0s", "for": "50h"}
    crash = {"event": "crash", "party": "blue", "time": "60h", "for": "10h", "loses_state": True}
    pause = {"event": "pause", "party": "blue", "time": "80h", "for": "10h"}
    act = {"event": "activity", "actor": "red", "toward": "blue", "class": "exercise", "time": "1h"}
    found = measured(100, channel=channel, study={"horizon": "5d"}, at=[out, crash, pause, act])
    assert found["loss"] is not None
    assert found["loss"].mean == 0.6
    assert found["datagram delay, 99% quantile, s"] is not None
    assert found["datagram delay, 99% quantile, s"].mean > 5 * 3600.0
