"""Nodes that go wrong, each in a way of its own: `python wrong_nodes.py WAY`. They begin as they should."""

import json
import os
import signal
import sys
import time


def put(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(request: dict, **body: object) -> None:
    put(json.dumps({"src": "n", "dest": "d", "body": {"in_reply_to": request["msg_id"], **body}}))


def outputs(request: dict, **more: object) -> None:
    say(request, **({"type": "outputs", "datagrams": [], "events": [], "next_timer": None} | more))


def die(request: dict) -> None:
    sys.stderr.write("the last straw\n")
    sys.stderr.flush()
    os._exit(7)


def stay(request: dict) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def shout(request: dict) -> None:
    for _ in range(3000):
        sys.stderr.write("x" * 100 + "\n")
    outputs(request)


def flood(request: dict) -> None:
    while True:
        sys.stdout.write("y" * (1 << 20))


def twice(request: dict) -> None:
    outputs(request)
    outputs(request)


DATAGRAM = {"data": "eA==", "peer": "b", "kind": "notice", "stream": 1, "epoch": 0, "sequence": 1}
WAYS = {
    "die": die,
    "stay silent": stay,
    "shout": shout,
    "flood": flood,
    "answer twice": twice,
    "no json": lambda request: put("hello"),
    "no utf-8": lambda request: os.write(1, b'{"src":"\xff"}\n'),
    "a thousand arrays": lambda request: put('{"src": "n", "dest": "d", "body": ' + "[" * 100_000),
    "an array": lambda request: put("[]"),
    "nan": lambda request: outputs(request, next_timer=float("nan")),
    "infinity": lambda request: put(
        json.dumps({"src": "n", "dest": "d", "body": {"type": "outputs", "in_reply_to": request["msg_id"],
                    "datagrams": [], "events": [], "next_timer": 5}}).replace("5}", "1e999}")),
    "another's number": lambda request: outputs({"msg_id": request["msg_id"] + 1}),
    "another answer": lambda request: say(request, type="init_ok"),
    "a strange event": lambda request: outputs(request, events=[{"type": "shouted"}]),
    "an event with a field too many": lambda request: outputs(
        request, events=[{"type": "received", "peer": "b", "data": "", "when": 1}]),
    "no base64": lambda request: outputs(request, datagrams=[{**DATAGRAM, "data": "?"}]),
    "a label too large": lambda request: outputs(request, datagrams=[{**DATAGRAM, "attempt": 65536}]),
    "a label below 0": lambda request: outputs(request, datagrams=[{**DATAGRAM, "sequence": -1}]),
    "nobody's way": lambda request: outputs(request, datagrams=[{**DATAGRAM, "peer": "z"}]),
    "crash": lambda request: say(request, type="error", code=13, text="it broke"),
    "refuse": lambda request: say(request, type="error", code=12, text="not so"),
    "past": lambda request: outputs(request, next_timer=request["now"] - 1),
    "now": lambda request: outputs(request, next_timer=request["now"],
        datagrams=[{**DATAGRAM, "attempt": request["msg_id"] + 1}]),
}  # fmt: skip

if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)["body"]
        if asked["type"] == "init":
            say(asked, type="init_ok")
        else:
            WAYS[sys.argv[1]](asked)
