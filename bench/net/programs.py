# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""The cases, and the processes that a measurement consists of."""

import json
import os
import resource
import select
import signal
import subprocess

import python_peers

UNAVAILABLE = 3
PATIENCE = 60  # Seconds, for anything that a program is waited for.


class Unavailable(Exception):
    """The server does not have the case."""


class Failure(Exception):
    """A program did not do what it should."""


class Case:
    """One question. `load` are the client's options, but for how long."""

    def __init__(self, name, about, serve="echo", metric="req_per_s",
                 judged="server_cpu_ns", **load):
        """`judged` is a metric besides, or None."""
        self.name = name
        self.about = about
        self.serve = serve
        self.metric = metric
        self.judged = judged
        self.load = {"mode": "echo", **load}

    def metrics(self):
        """What of the client's result says something."""
        if self.load["mode"] == "idle":
            return ("bytes_per_connection",)
        metrics = ("req_per_s", "p50_us", "p99_us", "p999_us", "max_us",
                   "server_cpu_ns", "server_wait_share")
        if self.metric == "mib_per_s":
            metrics += ("mib_per_s",)
        if self.load["mode"] == "udp":
            metrics += ("lost",)
        if "heavy" in self.load:
            metrics += ("heavy_mib_per_s",)
        return metrics


FILE_SIZE = 1 << 20

CASES = [
    Case("echo_1_64", "64 bytes to and fro on one connection", metric="p50_us"),
    Case("echo_100_64", "the same on 100 connections", connections=100),
    Case("echo_1000_64", "the same on 1000 connections", connections=1000),
    Case("echo_pipe16", "16 requests at once on each of 100 connections",
         connections=100, depth=16),
    Case("echo_64k", "64 KiB to and fro on 10 connections", metric="mib_per_s",
         connections=10, size=65536),
    # Less than the slowest server can do, so that nobody is measured overloaded.
    Case("open_100_64", "10 000 requests a second on 100 connections, whatever "
         "comes back; latency from when each was due", metric="p99_us",
         connections=100, rate=10000),
    Case("noisy_neighbour", "2000 requests a second on 100 connections, beside one "
         "that echoes 64 KiB, 8 at once; latency of the 100, from when each was due",
         metric="p99_us", judged=None, connections=100, rate=2000, heavy=1),
    Case("accept", "connect, one echo, reset; 16 at once", mode="accept",
         connections=16),
    Case("idle_10k", "10 000 connections that were used once", mode="idle",
         metric="bytes_per_connection", judged=None, connections=10000),
    Case("udp_1_64", "a datagram of 64 bytes to and fro", serve="udp", mode="udp",
         metric="p50_us"),
    Case("sendfile", "a file of 1 MiB for each byte, on 4 connections",
         serve="sendfile", metric="mib_per_s", connections=4, size=1,
         reply_size=FILE_SIZE),
]

QUICK_CASES = ("echo_1_64", "echo_100_64", "echo_64k", "open_100_64",
               "noisy_neighbour", "accept", "idle_10k", "sendfile")
QUICK_SERVERS = ("raw", "uring", "libuv", "libev", "asio", "asyncio", "evkit",
                 "evkit_coro", "evkit_streams")


def version(name, path):
    """Of the event loop of a server, as it says."""
    command, environment = python_peers.command(name, path, "--case=version")
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    said = (done.stdout or done.stderr).decode().strip()
    return said.removeprefix("version ")


def cores():
    """The cores for server and client: two if there are two."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def pinned(core):
    """What a child does first."""
    def prepare():
        if core is not None:
            os.sched_setaffinity(0, {core})
    return prepare


def raise_file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Server:
    """A server process; a context. `prefix` is a command that runs it."""

    def __init__(self, name, path, serve, core=None, prefix=()):
        command, environment = python_peers.command(
            name, path, "--case=" + serve, f"--file_size={FILE_SIZE}")
        command = [*prefix, *command]
        self.name = name
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=pinned(core))
        self.port = None

    def __enter__(self):
        out = self.process.stdout
        ready, _, _ = select.select([out], [], [], PATIENCE)
        words = out.readline().split() if ready else []
        if len(words) == 2 and words[0] == b"port":
            self.port = int(words[1])
            return self
        said = self.stop()
        if self.process.returncode == UNAVAILABLE:
            raise Unavailable(said.removeprefix("not available: "))
        raise Failure(f"{self.name} did not begin to serve: {said}")

    def __exit__(self, *_):
        self.stop()

    def pid(self):
        """Of the server itself, or of what `prefix` runs."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else self.process.pid

    def stop(self):
        """Returns what it wrote on stderr."""
        if self.process.poll() is None:
            try:
                os.kill(self.pid(), signal.SIGTERM)
            except OSError:
                self.process.kill()
        try:
            return self.process.communicate(timeout=PATIENCE)[1].decode().strip()
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.communicate()[1].decode().strip()


def run_client(path, server, case, core=None, **more):
    """One load; returns the client's result. `more` are options of its own."""
    options = {**case.load, "port": server.port, **more}
    command = [path] + [f"--{name}={value}" for name, value in options.items()]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=PATIENCE, check=False, preexec_fn=pinned(core))
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{server.name}, {case.name}: the client hangs") from error
    if done.returncode != 0:
        raise Failure(f"{server.name}, {case.name}: {done.stderr.decode().strip()}")
    return json.loads(done.stdout)
