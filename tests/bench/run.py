"""`make bench`: cbmnet and its peers in one run, as ratios to SimPy written as its documentation does.

Every measurement is a process of its own; rounds are interleaved, so that what else the machine does
meets all alike. Printed are medians with their ranges, and the ratio of medians. Times vary from
machine to machine; ratios are what the floors are about. Nothing here fails a build.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
BASE = "simpy_process"
FLOORS = {"cbmnet_unsigned": 2.0, "cbmnet_sealed": 0.8}
SIGN_LIMIT, VERIFY_LIMIT = 1.25, 1.25
RUNS_A_SECOND_FLOOR, MEMORY_MIB_LIMIT = 10.0, 150.0


def names(python: str, script: str) -> list[str]:
    """What a script can measure in this environment."""
    done = subprocess.run([python, str(HERE / script), "--list"], capture_output=True, text=True, check=True)
    return done.stdout.split()


def measured(python: str, script: str, name: str) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [python, str(HERE / script), "--worker", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Measures all, round by round, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable, help="the Python that has the peers")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    plan = [(sys.executable, "cbmnet_loads.py", name) for name in names(sys.executable, "cbmnet_loads.py")]
    plan += [(chosen.peers, "des_peers.py", name) for name in names(chosen.peers, "des_peers.py")]
    results: dict[str, list[dict[str, float]]] = {name: [] for _, _, name in plan}
    for number in range(chosen.rounds):
        for python, script, name in plan:
            print(f"\rround {number + 1} of {chosen.rounds}: {name:20}", end="", file=sys.stderr, flush=True)
            results[name].append(measured(python, script, name))
    print(f"\r{'signed messages':50}", end="", file=sys.stderr, flush=True)
    command = [chosen.peers, str(HERE / "signed_peers.py"), "--rounds", str(chosen.rounds)]
    signed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    print("\r" + " " * 50 + "\r", end="", file=sys.stderr)
    show(results)
    show_signed(signed)


def show(results: dict[str, list[dict[str, float]]]) -> None:
    """One line each: microseconds a message, the ratio to SimPy, the floor if there is one, memory."""
    per = {n: sorted(r["seconds"] / r["messages"] for r in rows) for n, rows in results.items()}
    base = median(per[BASE])
    print("stop-and-wait, 10 % loss each way, 20,000 messages")
    print(f"{'engine':18}{'us a message':>13}{'range':>16}{'x SimPy':>9}{'floor':>7}{'MiB':>6}")
    for name in sorted(per, key=lambda n: median(per[n])):
        if name == "pair_30_days":
            continue
        us = [t * 1e6 for t in per[name]]
        floor = f"{FLOORS[name]:.1f}" if name in FLOORS else ""
        memory = max(r["peak_mib"] for r in results[name])
        print(
            f"{name:18}{median(us):13.1f}{us[0]:8.1f} -{us[-1]:6.1f}{base / median(per[name]):9.2f}"
            f"{floor:>7}{memory:6.0f}"
        )
    runs, memory = per["pair_30_days"], max(r["peak_mib"] for r in results["pair_30_days"])
    print(
        f"30 days, 2 states, hourly heartbeats, MAC, all metrics: {1 / median(runs):.1f} runs a second "
        f"on one core ({1 / runs[-1]:.1f} to {1 / runs[0]:.1f}; floor {RUNS_A_SECOND_FLOOR:.0f}), "
        f"{memory:.0f} MiB (limit {MEMORY_MIB_LIMIT:.0f})"
    )


def show_signed(signed: dict[str, Any]) -> None:
    """Signed messages: each way as a ratio to raw Ed25519, both ways beside the peers, and the limits."""
    us = signed["us"]
    raw_sign, raw_verify = us["raw sign"], us["raw verify"]
    print(f"\nsigned messages; raw Ed25519 signs in {raw_sign:.1f} us and verifies in {raw_verify:.1f} us")
    print(f"{'':18}{'sign':>8}{'verify':>8}{'x raw sign':>12}{'x raw verify':>14}{'x raw both ways':>17}")
    names = [
        name.removesuffix(" sign") for name in us if name.endswith(" sign") and not name.startswith("raw")
    ]
    for name in sorted(names, key=lambda n: us[f"{n} sign"] + us[f"{n} verify"]):
        sign, verify = us[f"{name} sign"], us[f"{name} verify"]
        both = (sign + verify) / (raw_sign + raw_verify)
        print(
            f"{name:18}{sign:8.1f}{verify:8.1f}{sign / raw_sign:12.3f}{verify / raw_verify:14.3f}{both:17.3f}"
        )
    print(f"cbmnet's limits: sign {SIGN_LIMIT} x, verify {VERIFY_LIMIT} x, faster both ways than every peer")
    print(
        f"an exact duplicate costs {us['cbmnet duplicate'] / raw_verify:.1%} of a raw verify (limit 5%); "
        f"an envelope {signed['overhead_bytes']} bytes over its body (limit 160)\n"
        f"the worst of the 64 KiB bombs, {signed['bomb']}: {signed['bomb_ms']:.2f} ms (limit 1), "
        f"{signed['bomb_mib']:.2f} MiB (limit 1)\n"
        f"importing cbmnet.messages takes {signed['import_ratio']:.2f} x its libraries (limit 2)"
    )


if __name__ == "__main__":
    main()
