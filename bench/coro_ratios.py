#!/usr/bin/env python3
# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""Coroutines of evkit, asio, asyncio and a hand-written limit, side by side.

    bench/coro_ratios.py EVKIT.json [ASYNCIO.json]

EVKIT.json comes from one run of coro_benchmark:

    ./bazelw run -c opt //loop/coro:coro_benchmark -- \\
      --benchmark_enable_random_interleaving=true --benchmark_repetitions=9 \\
      --benchmark_out_format=json --benchmark_out=EVKIT.json

and ASYNCIO.json from `bench/asyncio_coro.py --json ASYNCIO.json`. Prints
nanoseconds of processor time (medians), and evkit's as a multiple of the
others': of the medians, and of the minima in brackets.
"""

import json
import statistics
import sys


def read(path):
    """Returns {case: {library: [nanoseconds of each repetition]}}."""
    with open(path, encoding="utf-8") as file:
        runs = json.load(file)["benchmarks"]
    cases = {}
    for run in runs:
        if run.get("run_type") == "aggregate":
            continue
        case, library = run["name"].split("/")[0].removeprefix("BM_").rsplit("_", 1)
        times = cases.setdefault(case, {}).setdefault(library, [])
        times.append(run["cpu_time"])
    return cases


def ratio(mine, theirs):
    median = statistics.median(mine) / statistics.median(theirs)
    return f"{median:.2f} ({min(mine) / min(theirs):.2f})"


def main(paths):
    if len(paths) not in (1, 2):
        sys.exit(__doc__)
    cases = read(paths[0])
    asyncio = {}
    if len(paths) == 2:
        with open(paths[1], encoding="utf-8") as file:
            asyncio = json.load(file)
    print("| case | evkit | asio | raw | asyncio | evkit / asio | evkit / raw | evkit / asyncio |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for case, of in cases.items():
        evkit = of["Evkit"]
        row = [case, f"{statistics.median(evkit):.1f}"]
        for library in ("Asio", "Raw"):
            row.append(f"{statistics.median(of[library]):.1f}" if library in of else "")
        row.append(f"{asyncio[case]:.0f}" if case in asyncio else "")
        for library in ("Asio", "Raw"):
            row.append(ratio(evkit, of[library]) if library in of else "")
        row.append(f"{statistics.median(evkit) / asyncio[case]:.3f}" if case in asyncio else "")
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
