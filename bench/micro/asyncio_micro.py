#!/usr/bin/env python3
# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""The cases of this folder on CPython's asyncio, or on uvloop.

    asyncio_micro.py --case=NAME [--seconds=S] [--units=N] [--scale=N]
      [--loop=asyncio|uvloop]
    asyncio_micro.py --list=1

See micro.h. Exit status 3: the loop cannot be imported, or has not the case.
"""

import argparse
import asyncio
import json
import mmap
import os
import random
import resource
import statistics
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

# pylint: disable=wrong-import-position
import asyncio_coro

UNAVAILABLE = 3
CHAIN, BURST, STARTED, REARMED = 10_000, 10_000, 10_000, 10_000
FIRED, CHURNED, DISPATCHED, SPAWNED = 1_000_000, 1_000, 2_000, 5
ROUND_TRIPS, FLOOD, WINDOW = 100, 5_000, 4096
CHILD = "/bin/true"
BALLAST_BYTES = 2 << 30


class Meter:
    """As in micro.h."""

    def __init__(self, options):
        self.options = options
        self.operations = 0
        self.times = []
        self.cpu_times = []

    def run(self, operations, unit):
        def timed():
            start = time.perf_counter_ns()
            unit()
            return time.perf_counter_ns() - start
        self.run_timed(operations, timed)

    def run_timed(self, operations, unit):
        self.operations = operations
        enough = self.options.seconds * 1e9
        start = time.perf_counter_ns()
        self.measure(unit)
        if not self.options.units and time.perf_counter_ns() - start < enough:
            self.times, self.cpu_times = [], []
            start = time.perf_counter_ns()
            self.measure(unit)
        while (len(self.times) < self.options.units if self.options.units
               else time.perf_counter_ns() - start < enough):
            self.measure(unit)

    def measure(self, unit):
        before = cpu_nanoseconds()
        self.times.append(unit())
        self.cpu_times.append(cpu_nanoseconds() - before)

    def scaled(self, count):
        return max(1, count // self.options.scale) if count else 0

    def result(self):
        each = self.operations
        return {
            "ns": statistics.median(self.times) / each,
            "best_ns": min(self.times) / each,
            "cpu_ns": statistics.median(self.cpu_times) / each,
            "best_cpu_ns": min(self.cpu_times) / each,
            "operations": each * len(self.times),
        }


def cpu_nanoseconds():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + int(
        (children.ru_utime + children.ru_stime) * 1e9)


def nothing():
    pass


def event_fd(readable):
    return os.eventfd(int(readable), os.EFD_NONBLOCK | os.EFD_CLOEXEC)


def turn(loop):
    loop.call_soon(loop.stop)
    loop.run_forever()


def delays():
    numbers = random.Random(1)
    return lambda: 1 + numbers.random() * 60


def cb_chain(loop, meter, watching):
    if watching:
        loop.add_reader(event_fd(False), nothing)
    left = 0

    def step():
        nonlocal left
        left -= 1
        if left:
            loop.call_soon(step)
        else:
            loop.stop()

    def unit():
        nonlocal left
        left = CHAIN
        loop.call_soon(step)
        loop.run_forever()

    meter.run(CHAIN, unit)


def cb_burst(loop, meter):
    def unit():
        for _ in range(BURST):
            loop.call_soon(nothing)
        turn(loop)

    meter.run(BURST, unit)


def wake(loop, meter, what):
    arrived = 0

    def count():
        nonlocal arrived
        arrived += 1

    posted = 0

    def round_trips():
        nonlocal posted
        times = []
        for _ in range(ROUND_TRIPS):
            if what == "idle":
                time.sleep(0.0002)
            start = time.perf_counter_ns()
            loop.call_soon_threadsafe(count)
            posted += 1
            while arrived != posted:
                time.sleep(0)  # Lets the loop's thread have the lock.
            times.append(time.perf_counter_ns() - start)
        return statistics.median(times) * ROUND_TRIPS

    def flood():
        nonlocal posted
        for i in range(FLOOD):
            if i % 256 == 0:
                while posted - arrived > WINDOW:
                    time.sleep(0)
            loop.call_soon_threadsafe(count)
            posted += 1
        while arrived != posted:
            time.sleep(0)

    def poster():
        if what == "flood":
            meter.run(FLOOD, flood)
        else:
            meter.run_timed(ROUND_TRIPS, round_trips)
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=poster)
    thread.start()
    loop.run_forever()
    thread.join()


def timer_ins_cancel(loop, meter, pending):
    delay = delays()
    for _ in range(meter.scaled(pending)):
        loop.call_later(delay(), nothing)

    def unit():
        for _ in range(STARTED):
            loop.call_later(delay(), nothing).cancel()
        turn(loop)  # Which drops what was cancelled, now and then.

    meter.run(STARTED, unit)


def timer_rearm(loop, meter, pending):
    delay = delays()
    numbers = random.Random(2)
    timers = [loop.call_later(delay(), nothing)
              for _ in range(meter.scaled(pending))]

    def unit():
        for _ in range(REARMED):
            i = numbers.randrange(len(timers))
            timers[i].cancel()
            timers[i] = loop.call_later(61, nothing)
        turn(loop)

    meter.run(REARMED, unit)


def timer_fire(loop, meter):
    total = meter.scaled(FIRED)
    numbers = random.Random(1)
    left = 0

    def fire():
        nonlocal left
        left -= 1
        if not left:
            loop.stop()

    def unit():
        nonlocal left
        left = total
        for _ in range(total):
            loop.call_later(numbers.random(), fire)
        loop.run_forever()

    meter.run(total, unit)


def spawn_small(loop, meter):
    async def spawn():
        process = await asyncio.create_subprocess_exec(CHILD)
        await process.wait()

    def unit():
        for _ in range(SPAWNED):
            loop.run_until_complete(spawn())

    meter.run(SPAWNED, unit)


def spawn_2g(loop, meter):
    with mmap.mmap(-1, meter.scaled(BALLAST_BYTES),
                   flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as ballast:
        ballast.madvise(mmap.MADV_NOHUGEPAGE)
        for at in range(0, len(ballast), mmap.PAGESIZE):
            ballast[at] = 1
        spawn_small(loop, meter)


def fd_churn(loop, meter, with_turns):
    loop.add_reader(event_fd(False), nothing)
    fd = event_fd(False)

    def unit():
        for _ in range(CHURNED):
            loop.add_reader(fd, nothing)
            if with_turns:
                turn(loop)
            loop.remove_reader(fd)
            if with_turns:
                turn(loop)

    meter.run(CHURNED, unit)


def fd_dispatch(loop, meter, count):
    left = 0

    def ready():
        nonlocal left
        left -= 1
        if not left:
            loop.stop()

    def unit():
        nonlocal left
        left = DISPATCHED
        loop.run_forever()

    for _ in range(count):
        loop.add_reader(event_fd(True), ready)
    meter.run(DISPATCHED, unit)


def coroutine(name):
    main, count = asyncio_coro.CASES[name]

    def case(loop, meter):
        meter.run(count, lambda: loop.run_until_complete(main()))
    return case


def with_arguments(function, *arguments):
    return lambda loop, meter: function(loop, meter, *arguments)


CASES = {
    "cb_chain": with_arguments(cb_chain, False),
    "cb_chain_fd": with_arguments(cb_chain, True),
    "cb_chain_fd_61": with_arguments(cb_chain, True),
    "cb_burst": cb_burst,
    "wake_rtt": with_arguments(wake, "busy"),
    "wake_rtt_idle": with_arguments(wake, "idle"),
    "wake_flood": with_arguments(wake, "flood"),
    "timer_ins_cancel_0": with_arguments(timer_ins_cancel, 0),
    "timer_ins_cancel_10k": with_arguments(timer_ins_cancel, 10_000),
    "timer_ins_cancel_1m": with_arguments(timer_ins_cancel, 1_000_000),
    "timer_rearm_10k": with_arguments(timer_rearm, 10_000),
    "timer_rearm_1m": with_arguments(timer_rearm, 1_000_000),
    "timer_fire_1m": timer_fire,
    "timer_call_later_10k": with_arguments(timer_ins_cancel, 10_000),
    "coro_spawn": coroutine("Spawn"),
    "coro_chain": coroutine("Chain"),
    "coro_yield": coroutine("Yield"),
    "coro_sleep": coroutine("Sleep"),
    "spawn_small": spawn_small,
    "spawn_2g": spawn_2g,
    "fd_churn": with_arguments(fd_churn, False),
    "fd_churn_loop": with_arguments(fd_churn, True),
    "fd_dispatch_1": with_arguments(fd_dispatch, 1),
    "fd_dispatch_100": with_arguments(fd_dispatch, 100),
    "fd_dispatch_1000": with_arguments(fd_dispatch, 1000),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", default="")
    parser.add_argument("--list", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--units", type=int, default=0)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    options = parser.parse_args()
    if options.loop == "uvloop":
        try:
            import uvloop
        except ImportError:
            print("not available: no uvloop", file=sys.stderr)
            sys.exit(UNAVAILABLE)
        uvloop.install()
    if options.list:
        print("\n".join(CASES))
        return
    if options.case not in CASES:
        print("not available:", options.case, file=sys.stderr)
        sys.exit(UNAVAILABLE)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    meter = Meter(options)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    CASES[options.case](loop, meter)
    print(json.dumps(meter.result()), flush=True)
    os._exit(0)  # Nothing that is pending is of interest.


if __name__ == "__main__":
    main()
