# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""What the drivers of this folder share: the machine, and figures of rounds."""

import os
import platform
import shutil
import statistics
import subprocess

# The metrics of which more is better.
RATES = ("req_per_s", "mib_per_s", "heavy_mib_per_s")

LIMIT = "raw"
# By hand, as LIMIT is, on something else than epoll.
OTHER_LIMITS = ("uring",)
PYTHON = ("asyncio", "uvloop")
# What one would write in an afternoon.
BASELINE = "stdlib"


def is_ours(peer):
    return peer.startswith("evkit")


def is_library(peer):
    return (peer not in (LIMIT, BASELINE, *OTHER_LIMITS, *PYTHON)
            and not is_ours(peer))


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
        "evkit": commit(),
    }


def commit():
    """Of this tree, where that can be told: Bazel runs this elsewhere."""
    folder = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not folder:
        return "of this tree"
    return first_line("git", "-C", folder, "describe", "--always", "--dirty")


def load():
    """The processes that ran or wanted to, over the last minute."""
    with open("/proc/loadavg", encoding="ascii") as file:
        return file.read().split()[0]


def first_line(*command):
    if not shutil.which(command[0]):
        return "none"
    done = subprocess.run(command, capture_output=True, check=False)
    return (done.stdout.decode().splitlines() or ["unknown"])[0]


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

    def quartiles(self, metric):
        """Between these is the middle half of the rounds."""
        values = self.values(metric)
        if len(values) == 1:
            return values[0], values[0]
        first, _, third = statistics.quantiles(values, n=4, method="inclusive")
        return first, third

    def spread(self, metric):
        """Of all rounds, as a share of the median."""
        median = self.median(metric)
        values = self.values(metric)
        return (max(values) - min(values)) / median if median else 0


def verdict(mine, theirs, metric):
    """Of two summaries; level if the middle halves of their rounds overlap."""
    my_first, my_third = mine.quartiles(metric)
    first, third = theirs.quartiles(metric)
    if my_first <= third and first <= my_third:
        return "level"
    more = mine.median(metric) > theirs.median(metric)
    return "won" if more == (metric in RATES) else "LOST"


def result(case, peer, metric, rounds):
    """One entry of "results" in the JSON of a suite. See README.md."""
    return {"case": case, "server": peer, "metric": metric,
            "more_is_better": metric in RATES, "rounds": rounds}


def digits(value):
    """Three of them, or all before the point."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def ratio(mine, theirs):
    return f"{mine / theirs:.2f}" if theirs else ""
