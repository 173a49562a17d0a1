# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""Where the drivers of this folder say what they do and what they found."""

import os
import sys


def say(text):
    print(text, file=sys.stderr, flush=True)


def write(path, text):
    """`path` is relative to where the user is, not to where Bazel runs this."""
    if path:
        home = os.environ.get("BUILD_WORKING_DIRECTORY", ".")
        with open(os.path.join(home, path), "w", encoding="utf-8") as file:
            file.write(text)
