#!/usr/bin/env python3
# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""The cases of //loop/coro:coro_benchmark on CPython's asyncio.

    bench/asyncio_coro.py [--repetitions N] [--json FILE]

Prints nanoseconds for each of what a case is named after: the median of the
repetitions, which go round through all cases. The standard library only.
"""

import argparse
import asyncio
import json
import platform
import statistics
import time

SPAWNS, SPAWNS_AT_ONCE = 10_000, 100
DEPTH, CHAINS = 100, 100
YIELDING, YIELDS = 100, 100
TURNS = 10_000
SLEEPERS, SLEEPS, NAP = 1_000, 20, 1e-6
MESSAGES = 10_000
MANY = 10_000


async def one(n):
    return n


async def spawn():
    for i in range(SPAWNS):
        asyncio.create_task(one(i))
        if i % SPAWNS_AT_ONCE == 0:
            await asyncio.sleep(0)


async def spawn_await():
    total = 0
    for i in range(SPAWNS):
        total += await asyncio.create_task(one(i))


async def chain(depth):
    if depth == 0:
        return 0
    return await chain(depth - 1) + 1


async def chains():
    for _ in range(CHAINS):
        await chain(DEPTH)


async def yields():
    for _ in range(YIELDS):
        await asyncio.sleep(0)


async def yield_():
    for task in [asyncio.create_task(yields()) for _ in range(YIELDING)]:
        await task


async def sleep_zero():
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def sleeps():
    for _ in range(SLEEPS):
        await asyncio.sleep(NAP)


async def sleep_many():
    for task in [asyncio.create_task(sleeps()) for _ in range(SLEEPERS)]:
        await task


async def echo(requests, replies):
    for _ in range(MESSAGES):
        await replies.put(await requests.get())


async def ping_pong():
    requests, replies = asyncio.Queue(1), asyncio.Queue(1)
    task = asyncio.create_task(echo(requests, replies))
    for i in range(MESSAGES):
        await requests.put(i)
        await replies.get()
    await task


async def gather():
    await asyncio.gather(*(one(i) for i in range(MANY)))


async def cancel():
    tasks = [asyncio.create_task(asyncio.sleep(3600 * (i + 1))) for i in range(MANY)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


CASES = {
    "Spawn": (spawn, SPAWNS),
    "SpawnAwait": (spawn_await, SPAWNS),
    "Chain": (chains, CHAINS * DEPTH),
    "Yield": (yield_, YIELDING * YIELDS),
    "SleepZero": (sleep_zero, TURNS),
    "Sleep": (sleep_many, SLEEPERS * SLEEPS),
    "PingPong": (ping_pong, MESSAGES),
    "Gather": (gather, MANY),
    "Cancel": (cancel, MANY),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", help="also write {case: nanoseconds} there")
    arguments = parser.parse_args()
    taken = {name: [] for name in CASES}
    for _ in range(arguments.repetitions):
        for name, (case, count) in CASES.items():
            with asyncio.Runner() as runner:
                runner.run(asyncio.sleep(0))
                start = time.process_time_ns()
                runner.run(case())
                taken[name].append((time.process_time_ns() - start) / count)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    print(f"asyncio of CPython {platform.python_version()}")
    for name, nanoseconds in medians.items():
        print(f"{name:12}{nanoseconds:10.0f} ns")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(medians, file)


if __name__ == "__main__":
    main()
