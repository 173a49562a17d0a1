# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""What a request costs, counted instead of timed: no noise.

The difference between two runs of different length, so that what a server does
once does not count. Each request finds the server asleep: one that is slow
because it is being counted would otherwise find the next request there already,
and be spared the wait for it.
"""

import os
import re
import shutil
import tempfile

from programs import FILE_SIZE, Case, Server, Unavailable, run_client

# Requests of the two runs; a whole number for each connection.
FEW, MANY = 1600, 4800

CASES = [
    Case("echo_1_64", "one connection"),
    Case("echo_10_64", "10 connections", connections=10),
    Case("echo_100_64", "100 connections", connections=100),
    Case("echo_64k", "64 KiB on 10 connections", connections=10, size=65536),
    Case("echo_pipe16", "16 requests at once on each of 10 connections",
         connections=10, depth=16),
    Case("accept", "connect, one echo, reset; 16 at once", mode="accept",
         connections=16),
    Case("udp_1_64", "datagrams", serve="udp", mode="udp"),
    Case("sendfile", "a file of 1 MiB", serve="sendfile", size=1,
         reply_size=FILE_SIZE),
]


def slope(measure):
    """`measure(requests)` returns {name: count}."""
    few, many = measure(FEW), measure(MANY)
    return {
        name: (count - few.get(name, 0)) / (MANY - FEW)
        for name, count in many.items()
    }


def load(client, name, path, case, prefix, requests):
    with Server(name, path, case.serve, prefix=prefix) as server:
        run_client(client, server, case, requests=requests, lock_step=1,
                   server_pid=server.pid())


def instructions(client, name, path, case):
    """User instructions per request; None if they cannot be counted."""
    if not shutil.which("valgrind") or path.endswith(".py"):
        return None

    def measure(requests):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            load(client, name, path, case,
                 ["valgrind", "--quiet", "--tool=callgrind",
                  "--callgrind-out-file=" + out], requests)
            with open(out, encoding="utf-8", errors="replace") as file:
                total = re.search(r"^(?:totals|summary): (\d+)", file.read(), re.M)
            return {"instructions": int(total.group(1))}

    return slope(measure)["instructions"]


def system_calls(client, name, path, case):
    """{name: calls per request}; None if they cannot be counted."""
    if not shutil.which("strace"):
        return None

    def measure(requests):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            load(client, name, path, case,
                 ["strace", "-f", "-c", "-U", "calls,name", "-o", out], requests)
            with open(out, encoding="utf-8") as file:
                rows = re.findall(r"^ *(\d+) +([a-z]\w*)$", file.read(), re.M)
            return {call: int(count) for count, call in rows if call != "total"}

    calls = slope(measure)
    return {call: each for call, each in calls.items() if each >= 0.005}


def count(client, servers, cases, kind, say):
    """[{case, server, instructions | system_calls}] of all servers."""
    counting = {"instructions": instructions, "system_calls": system_calls}[kind]
    rows = []
    for case in CASES:
        if cases and case.name not in cases:
            continue
        for name, path in servers.items():
            try:
                value = counting(client, name, path, case)
            except Unavailable:
                continue
            except Exception as error:  # pylint: disable=broad-except
                say(f"{kind}, {case.name}, {name}: {error}")
                continue
            if value is not None:
                rows.append({"case": case.name, "server": name, kind: value})
                say(f"{kind}, {case.name}, {name}: {value}")
    return rows
