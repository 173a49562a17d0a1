#!/usr/bin/env python3
# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""asyncio's side of process_benchmark.cc: CPU microseconds per child.

    python3 subprocess/process/asyncio_process.py
"""
import asyncio
import os
import resource
import statistics
import sys

CHILDREN = 200


def cpu_us():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return 1e6 * sum(u.ru_utime + u.ru_stime for u in used)


async def plain():
    process = await asyncio.create_subprocess_exec("/bin/true")
    assert await process.wait() == 0


async def with_pipe():
    process = await asyncio.create_subprocess_exec("/bin/true", stdout=asyncio.subprocess.PIPE)
    await process.communicate()
    assert process.returncode == 0


async def main():
    for one in (plain, with_pipe):
        rounds = []
        for _ in range(5):
            start = cpu_us()
            for _ in range(CHILDREN):
                await one()
            rounds.append((cpu_us() - start) / CHILDREN)
        print(f"{one.__name__}: {statistics.median(rounds):.0f} us")


os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
ballast = bytearray(2 << 30) if "--big" in sys.argv else b""
for i in range(0, len(ballast), 4096):
    ballast[i] = 1
asyncio.run(main())
