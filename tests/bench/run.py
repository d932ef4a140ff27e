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
PAIR = "pair_30_days"
FLOORS = {"cbmnet_unsigned": 2.0, "cbmnet_sealed": 0.8, "cbmnet_receipts": 0.5}
TRACE_LIMIT, MESH_FLOOR, MESH_MIB_LIMIT, FLAT_LIMIT = 2.0, 2.0, 600.0, 1.2
NODES = (10, 100, 1000)
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


Results = dict[str, list[dict[str, float]]]


def show(results: Results) -> None:
    """Every floor with what was measured, then all engines."""
    per = {n: sorted(r["seconds"] / r["messages"] for r in rows) for n, rows in results.items()}
    memory = {n: max(r["peak_mib"] for r in rows) for n, rows in results.items()}
    us = {name: median(times) * 1e6 for name, times in per.items()}
    show_floors(us, memory)
    engines = [name for name in us if "mesh_" not in name and name != PAIR]
    print("\nstop-and-wait, 10 % loss each way, 20,000 messages (the range is that of the rounds)")
    show_engines(sorted(engines, key=us.__getitem__), per, us, us[BASE], memory)
    for nodes in NODES:
        print(f"\nfull mesh of {nodes} nodes, one message from each to each other")
        both = [f"mesh_{nodes}", f"simpy_mesh_{nodes}"]
        show_engines(both, per, us, us[f"simpy_mesh_{nodes}"], memory)
    print("\nsmall meshes are repeated until they have sent as many messages as the large one has (999,000)")
    print("happysim 0.2.5 is not among the peers: it needs Python 3.13")


def show_floors(us: dict[str, float], memory: dict[str, float]) -> None:
    """One line each: what is asked, what was measured, whether it holds."""
    print(f"{'floor':66}{'asked':>9}{'measured':>10}")
    for name, floor in FLOORS.items():
        told(f"{name}: speed x SimPy as documented", us[BASE] / us[name], floor, "x")
    for way in ("unsigned", "sealed"):
        ratio = us[f"cbmnet_{way}_traced"] / us[f"cbmnet_{way}"]
        told(f"trace on: time x trace off, {way} messages", ratio, TRACE_LIMIT, "x", least=False)
    told("mesh of 1,000: speed x SimPy processes", us["simpy_mesh_1000"] / us["mesh_1000"], MESH_FLOOR, "x")
    told("mesh of 1,000: peak memory", memory["mesh_1000"], MESH_MIB_LIMIT, " MiB", least=False)
    meshes = [us[f"mesh_{nodes}"] for nodes in NODES]
    told("mesh: cost a message, 1,000 nodes x 10 nodes", meshes[-1] / meshes[0], FLAT_LIMIT, "x", least=False)
    ratio = max(meshes) / min(meshes)
    told("mesh: cost a message, dearest x cheapest of 10, 100, 1,000", ratio, FLAT_LIMIT, "x", least=False)
    told("30 days, 2 states, MAC, all metrics: runs a second", 1e6 / us[PAIR], RUNS_A_SECOND_FLOOR, "")
    told("  and their memory", memory[PAIR], MEMORY_MIB_LIMIT, " MiB", least=False)


def told(what: str, measured: float, bound: float, unit: str, *, least: bool = True) -> None:
    """Prints one floor (`least`) or limit."""
    holds = measured >= bound if least else measured <= bound
    bounded = f"{'>=' if least else '<='} {bound:g}{unit}"
    print(f"{what:60}{bounded:>15}{f'{measured:.3g}{unit}':>10}  {'holds' if holds else 'DOES NOT HOLD'}")


def show_engines(
    names: list[str], per: dict[str, list[float]], us: dict[str, float], base: float, memory: dict[str, float]
) -> None:
    """One line each: microseconds a message, their range, the ratio to SimPy, memory."""
    print(f"{'':26}{'us a message':>13}{'range':>16}{'x SimPy':>9}{'MiB':>6}")
    for name in names:
        low, high = per[name][0] * 1e6, per[name][-1] * 1e6
        spread = f"{low:8.1f} -{high:6.1f}"
        print(f"{name:26}{us[name]:13.1f}{spread:>16}{base / us[name]:9.2f}{memory[name]:6.0f}")


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
