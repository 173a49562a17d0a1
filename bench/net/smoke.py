# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""Whether all servers do what they are measured for; nothing about how fast."""

import json
import os
import signal
import subprocess

import programs
from figures import LIMIT


def run(client, servers, say):
    """A few hundred requests of each case on each server: whether all went well."""
    failed = 0
    for case in programs.CASES:
        for name, path in servers.items():
            try:
                requests_are_done(client, name, path, case)
                say(f"ok: {case.name}, {name}")
            except programs.Unavailable as reason:
                say(f"skipped: {case.name}, {name}: {reason}")
            except programs.Failure as failure:
                say(f"FAILED: {failure}")
                failed += 1
    try:
        a_stall_shows(client, servers[LIMIT])
        say("ok: a server that stalls")
    except programs.Failure as failure:
        say(f"FAILED: {failure}")
        failed += 1
    return failed == 0


def requests_are_done(client, name, path, case):
    more = {"requests": 320, "verify": 1}
    more["connections"] = min(case.load.get("connections", 1), 20)
    if case.serve == "sendfile":
        more["requests"] = 20
    with programs.Server(name, path, case.serve) as server:
        result = programs.run_client(
            client, server, case, server_pid=server.process.pid, **more)
    if case.load["mode"] != "idle" and result["requests"] != more["requests"]:
        raise programs.Failure(f"{name}, {case.name}: {result}")


def a_stall_shows(client, path):
    """A stopped server does not keep the client from sending what is due, and
    each request's latency counts from then: with 200 in 100 ms, all of them sent
    before the server goes on, half wait for 50 ms."""
    requests, rate, size = 200, 2000, 64
    case = programs.Case("stall", "", connections=10, rate=rate)
    with programs.Server(LIMIT, path, case.serve) as server:
        os.kill(server.process.pid, signal.SIGSTOP)
        command = [client, "--mode=echo", f"--port={server.port}", "--connections=10",
                   f"--rate={rate}", f"--requests={requests}", f"--size={size}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            while process.poll() is None and (
                    unread_bytes(server.port) < requests * size):
                os.sched_yield()
            os.kill(server.process.pid, signal.SIGCONT)
            out = process.communicate()[0]
    if not out:
        raise programs.Failure("stall: the client failed")
    result = json.loads(out)
    if result["p50_us"] < 45000 or result["max_us"] < 95000:
        raise programs.Failure(f"a stall of 100 ms does not show: {result}")


def unread_bytes(port):
    """In the connections to `port` of 127.0.0.1."""
    total = 0
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            _, local, _, state, queues = line.split()[:5]
            if state == "01" and int(local.split(":")[1], 16) == port:
                total += int(queues.split(":")[1], 16)
    return total
