# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""What the drivers of this folder share: the machine, and figures of rounds."""

import platform
import shutil
import statistics
import subprocess

# The metrics of which more is better.
RATES = ("req_per_s", "mib_per_s")

LIMIT = "raw"
PYTHON = ("asyncio", "uvloop")


def is_ours(peer):
    return peer.startswith("evkit")


def is_library(peer):
    return peer != LIMIT and peer not in PYTHON and not is_ours(peer)


def machine():
    """What a number means nothing without."""
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":")[1].strip()
                break
    congestion = "/proc/sys/net/ipv4/tcp_congestion_control"
    with open(congestion, encoding="ascii") as file:
        control = file.read().strip()
    return {
        "processor": model,
        "kernel": platform.release(),
        "distribution": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "congestion control": control,
        "load before": load(),
        "python": platform.python_version(),
        "compiler": first_line("g++", "--version"),
        "peers": "libuv 1.44.2, libev 4.33, libevent 2.1.12, asio 1.22.1",
    }


def load():
    """The processes that ran or wanted to, over the last minute."""
    with open("/proc/loadavg", encoding="ascii") as file:
        return file.read().split()[0]


def first_line(*command):
    if not shutil.which(command[0]):
        return "none"
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout.decode().splitlines()[0]


class Summary:
    """Of the rounds of one case on one server."""

    def __init__(self, runs):
        self.runs = runs

    def values(self, metric):
        return [run[metric] for run in self.runs]

    def median(self, metric):
        return statistics.median(self.values(metric))

    def best(self, metric):
        values = self.values(metric)
        return max(values) if metric in RATES else min(values)

    def spread(self, metric):
        """Between the rounds, as a share of the median."""
        median = self.median(metric)
        values = self.values(metric)
        return (max(values) - min(values)) / median if median else 0

    def as_json(self, metrics):
        return {
            metric: {
                "median": self.median(metric),
                "best": self.best(metric),
                "spread": self.spread(metric),
                "rounds": self.values(metric),
            }
            for metric in metrics
        }


def digits(value):
    """Three of them, or all before the point."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def ratio(mine, theirs):
    return f"{mine / theirs:.2f}" if theirs else ""
