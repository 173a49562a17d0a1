# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""How the programs are called, those that are written in Python among them."""

import glob
import os
import sys

# What Python needs to find uvloop, if it was fetched.
_uvloop_environment = {}


def use_uvloop(marker):
    """`marker` lies beside what Debian's packages of it consist of, or nothing."""
    folder = os.path.dirname(marker)
    python = os.path.join(folder, "usr/lib/python3/dist-packages")
    if os.path.isdir(python):
        _uvloop_environment["PYTHONPATH"] = os.path.abspath(python)
        _uvloop_environment["LD_LIBRARY_PATH"] = ":".join(
            glob.glob(os.path.abspath(os.path.join(folder, "usr/lib/*-linux-gnu*"))))


def command(peer, path, *arguments):
    """The command, and its environment."""
    words, environment = [path, *arguments], dict(os.environ)
    if path.endswith(".py"):
        words.insert(0, sys.executable)
    if peer == "evkit_uring":
        words.append("--selector=uring")
    if peer == "uvloop":
        words.append("--loop=uvloop")
        environment.update(_uvloop_environment)
    return words, environment
