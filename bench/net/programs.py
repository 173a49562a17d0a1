# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""The cases, and the processes that a measurement consists of."""

import json
import os
import resource
import select
import signal
import subprocess
import sys

UNAVAILABLE = 3
PATIENCE = 60  # Seconds, for anything that a program is waited for.


class Unavailable(Exception):
    """The server does not have the case."""


class Failure(Exception):
    """A program did not do what it should."""


class Case:
    """One question. `load` are the client's options, but for how long."""

    def __init__(self, name, about, serve="echo", metric="req_per_s", **load):
        self.name = name
        self.about = about
        self.serve = serve
        self.metric = metric
        self.load = {"mode": "echo", **load}


FILE_SIZE = 1 << 20

CASES = [
    Case("echo_1_64", "64 bytes to and fro on one connection", metric="p50_us"),
    Case("echo_100_64", "the same on 100 connections", connections=100),
    Case("echo_1000_64", "the same on 1000 connections", connections=1000),
    Case("echo_pipe16", "16 requests at once on each of 100 connections",
         connections=100, depth=16),
    Case("echo_64k", "64 KiB to and fro on 10 connections", metric="mib_per_s",
         connections=10, size=65536),
    Case("open_100_64", "20 000 requests a second on 100 connections, whatever "
         "comes back; latency from when each was due", metric="p99_us",
         connections=100, rate=20000),
    Case("accept", "connect, one echo, reset; 16 at once", mode="accept",
         connections=16),
    Case("idle_10k", "10 000 connections that were used once", mode="idle",
         metric="bytes_per_connection", connections=10000),
    Case("udp_1_64", "a datagram of 64 bytes to and fro", serve="udp", mode="udp",
         metric="p50_us"),
    Case("sendfile", "a file of 1 MiB for each byte, on 4 connections",
         serve="sendfile", metric="mib_per_s", connections=4, size=1,
         reply_size=FILE_SIZE),
]


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
        command = [*prefix]
        if path.endswith(".py"):
            command += [sys.executable, path]
            if name == "uvloop":
                command.append("--loop=uvloop")
        else:
            command.append(path)
        command += ["--case=" + serve, f"--file_size={FILE_SIZE}"]
        self.name = name
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
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
            raise Unavailable(f"{self.name}: {said}")
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
