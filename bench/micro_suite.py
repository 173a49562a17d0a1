# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""The cases of bench/micro, and what runs its programs."""

import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile

import python_peers
from figures import BASELINE, PYTHON, digits, is_library, is_ours, ratio, LIMIT

UNAVAILABLE = 3
PATIENCE = 120  # Seconds.


class Case:
    """One question. `metric` is the one that is judged.

    Processor time, which a busy machine disturbs least, but where two threads
    wait for each other. `counted`: instructions say something, too.
    """

    def __init__(self, name, about, metric="cpu_ns", counted=True, threads=False):
        self.name = name
        self.about = about
        self.metric = metric
        self.counted = counted
        self.threads = threads


def posts(name, about):
    return Case(name, about, metric="ns", counted=False, threads=True)


CASES = [
    Case("cb_chain", "a callback that schedules itself; nothing is watched"),
    Case("cb_chain_fd", "the same while a descriptor is watched"),
    Case("cb_chain_fd_61", "the same, polling in every 61st turn, where a loop can be "
         "told so"),
    Case("cb_burst", "10 000 callbacks at once"),
    posts("wake_rtt", "another thread posts, and looks for the answer"),
    posts("wake_rtt_idle", "the same with the loop asleep"),
    Case("wake_flood", "another thread posts as fast as it goes; of both threads",
         counted=False, threads=True),
    Case("timer_ins_cancel_0", "a timer is started and cancelled; no other is pending"),
    Case("timer_ins_cancel_10k", "the same with 10 000 pending"),
    Case("timer_ins_cancel_1m", "the same with a million pending", counted=False),
    Case("timer_rearm_10k", "one of 10 000 pending timers is put off"),
    Case("timer_rearm_1m", "one of a million", counted=False),
    Case("timer_fire_1m", "a million timers all over a second: started, and fired",
         counted=False),
    Case("timer_call_later_10k", "as timer_ins_cancel_10k with a closure and a handle "
         "each time, and nothing kept"),
    Case("coro_spawn", "a coroutine is begun beside its caller, and ends"),
    Case("coro_chain", "a coroutine calls one, 100 deep; a level"),
    Case("coro_yield", "100 coroutines take turns; a turn of one"),
    Case("coro_sleep", "1000 coroutines sleep for a microsecond, over and over",
         counted=False),
    Case("spawn_small", "a child (/bin/true) is started and waited for; with its "
         "own processor time", counted=False),
    Case("spawn_2g", "the same from a parent that has two GiB in use", counted=False),
    Case("fd_churn", "a descriptor is watched, and no longer"),
    Case("fd_churn_loop", "the same with a turn of the loop after each"),
    Case("fd_dispatch_1", "one descriptor is always ready; a callback"),
    Case("fd_dispatch_100", "100 are"),
    Case("fd_dispatch_1000", "1000 are"),
]

SAFETY = {
    "off": "debug mode off",
    "contexts": "a context is used",
    "slow": "slow callbacks are detected",
    "debug": "debug mode on",
}
SAFETY_WORK = {
    "burst": "10 000 callbacks at once",
    "chain": "a callback that schedules itself",
    "yield": "100 tasks take turns",
}
SAFETY_CASES = [
    Case(f"safety_{mode}_{work}", f"{about}: {mode_about}")
    for work, about in SAFETY_WORK.items() for mode, mode_about in SAFETY.items()
]

# What has no such thing.
WITHOUT = {
    "cb_chain_fd": (BASELINE,),
    "timer_call_later_": ("raw", "libuv", "libev", "libevent", BASELINE),
    "coro_": ("libuv", "libev", "libevent", BASELINE),
    "spawn_": ("libev", "libevent", "asio", BASELINE),
    "fd_": (BASELINE,),
    "safety_": ("raw", "libuv", "libev", "libevent", "asio", BASELINE, *PYTHON),
}


def has(peer, case):
    return not any(case.name.startswith(prefix) and peer in without
                   for prefix, without in WITHOUT.items())


class Unavailable(Exception):
    """The peer is not installed."""


class Failure(Exception):
    """A program did not do what it should."""


def run(peer, path, *arguments, prefix=(), core=None):
    """What the program printed."""
    command, environment = python_peers.command(peer, path, *arguments)
    command = [*prefix, *command]

    def prepare():
        if core is not None:
            os.sched_setaffinity(0, {core})

    try:
        done = subprocess.run(command, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=PATIENCE,
                              env=environment, check=False, preexec_fn=prepare)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{peer}: {' '.join(arguments)} hangs") from error
    said = done.stderr.decode().strip()
    if done.returncode == UNAVAILABLE:
        raise Unavailable(f"{peer}: {said}")
    if done.returncode != 0:
        raise Failure(f"{peer}: {' '.join(arguments)}: {said}")
    return done.stdout.decode()


def measured(runs, metric):
    """Over the rounds; as bench/net has it in its JSON."""
    values = [one[metric] for one in runs]
    median = statistics.median(values)
    return {
        "median": median,
        "best": min(one["best_" + metric] for one in runs),
        "spread": (max(values) - min(values)) / median if median else 0,
        "rounds": values,
    }


def measure(programs, cases, rounds, seconds, quick, say):
    """{case: {peer: {metric: figures}}}; the rounds of a case go A B C A B C."""
    core = min(os.sched_getaffinity(0))
    results = {}
    for case in cases:
        runs = {}
        left = {peer: path for peer, path in programs.items() if has(peer, case)}
        for one in range(rounds):
            for peer, path in list(left.items()):
                # A million timers are long to prepare, in Python very long.
                slow = peer in PYTHON
                large = case.name.endswith(("_1m", "_2g"))
                if quick and slow and large:
                    continue
                if one > 0 and (slow and (quick or large) or quick and large):
                    continue
                try:
                    said = run(peer, path, f"--case={case.name}",
                               f"--seconds={seconds}",
                               core=None if case.threads else core)
                except Unavailable:
                    del left[peer]
                except Failure as failure:
                    say(f"FAILED: {failure}")
                else:
                    runs.setdefault(peer, []).append(json.loads(said))
        results[case.name] = {
            peer: {metric: measured(of, metric) for metric in ("cpu_ns", "ns")}
            for peer, of in runs.items()
        }
        say(f"{case.name} is done")
    return results


def count_instructions(programs, cases, say):
    """{case: {peer: instructions}}: the slope between one unit and three."""
    if not shutil.which("valgrind"):
        say("valgrind is not installed")
        return {}

    def count(peer, path, case, units):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            said = run(peer, path, f"--case={case.name}", f"--units={units}",
                       prefix=("valgrind", "--quiet", "--tool=callgrind",
                               "--callgrind-out-file=" + out))
            with open(out, encoding="utf-8", errors="replace") as file:
                total = re.search(r"^(?:totals|summary): (\d+)", file.read(), re.M)
        return int(total.group(1)), json.loads(said)["operations"]

    results = {}
    for case in cases:
        if not case.counted:
            continue
        for peer, path in programs.items():
            if peer in PYTHON or not has(peer, case):
                continue
            try:
                few, few_done = count(peer, path, case, 1)
                many, many_done = count(peer, path, case, 3)
            except (Unavailable, Failure) as reason:
                say(f"{case.name}: {reason}")
                continue
            results.setdefault(case.name, {})[peer] = (
                (many - few) / (many_done - few_done))
        say(f"{case.name} is counted")
    return results


def smoke(programs, say):
    """Whether each program has every case that it claims, and those it must."""
    failed = 0
    every = [*CASES, *SAFETY_CASES]
    for peer, path in programs.items():
        try:
            claimed = run(peer, path, "--list=1").split()
        except Unavailable as reason:
            say(f"skipped: {reason}")
            continue
        for case in claimed:
            try:
                result = json.loads(run(peer, path, f"--case={case}", "--units=1",
                                        "--scale=1000"))
                ok = result["ns"] > 0 and result["operations"] > 0
            except (Unavailable, Failure, ValueError) as reason:
                say(str(reason))
                ok = False
            say(f"{'ok' if ok else 'FAILED'}: {case}, {peer}")
            failed += not ok
        missing = {case.name for case in every if has(peer, case)} - set(claimed)
        # asio has no coroutines for some compilers, and nothing without
        # exceptions.
        if missing and peer != "asio":
            say(f"FAILED: {peer} lacks {', '.join(sorted(missing))}")
            failed += 1
        unknown = set(claimed) - {case.name for case in every}
        if unknown:
            say(f"FAILED: nobody asks {peer} for {', '.join(sorted(unknown))}")
            failed += 1
    return failed == 0


def both(mine, theirs):
    """Of the medians, and of the best in brackets."""
    return (f"{ratio(mine['median'], theirs['median'])} "
            f"({ratio(mine['best'], theirs['best'])})")


def table(cases, results):
    """One line a case."""
    cases = [case for case in cases if results.get(case.name)]
    peers = list(dict.fromkeys(
        peer for case in cases for peer in results[case.name]))
    heads = ["case", "metric", *peers, f"evkit / {LIMIT}", "evkit / best library",
             "which", "spread of evkit"]
    lines = ["### The loop itself", "",
             "Nanoseconds for each (medians of the rounds): of processor time "
             "(cpu_ns), of the clock (ns) where two threads wait for each other. "
             "Ratios of medians, and of the best in brackets; below 1 evkit is "
             "the faster one.", "",
             "| " + " | ".join(heads) + " |",
             "|---|---" + "|---:" * (len(peers) + 2) + "|---|---:|"]
    for case in cases:
        of = {peer: metrics[case.metric]
              for peer, metrics in results[case.name].items()}
        libraries = [peer for peer in of if is_library(peer)]
        best = min(libraries, key=lambda peer: of[peer]["median"], default=None)
        row = [case.name, case.metric]
        row += [digits(of[peer]["median"]) if peer in of else "" for peer in peers]
        mine = of.get("evkit")
        for other in (LIMIT, best):
            row.append(both(mine, of[other]) if mine and other in of else "")
        row.append(best or "")
        row.append(f"{100 * mine['spread']:.0f} %" if mine else "")
        lines.append("| " + " | ".join(row) + " |")
    lines += [""] + [f"- {case.name}: {case.about}." for case in cases]
    return "\n".join(lines) + "\n"


def safety_table(results):
    """What safety costs: multiples of the same work without it."""
    lines = ["### The cost of safety", "",
             "Nanoseconds of processor time for each callback or step, and as a "
             "multiple of the first column (of medians, and of the best in "
             "brackets).", "",
             "| work | " + " | ".join(SAFETY.values()) + " |",
             "|---" + "|---:" * len(SAFETY) + "|"]
    for work, about in SAFETY_WORK.items():
        of = [results.get(f"safety_{mode}_{work}", {}).get("evkit", {}).get("cpu_ns")
              for mode in SAFETY]
        if not all(of):
            continue
        cells = [digits(of[0]["median"])] + [
            f"{digits(one['median'])}: {both(one, of[0])}" for one in of[1:]]
        lines.append(f"| {about} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n" if len(lines) > 6 else ""


def counted_table(counts):
    """Instructions, a line a case."""
    peers = list(dict.fromkeys(peer for of in counts.values() for peer in of))
    lines = ["### Instructions for each", "",
             "| case | " + " | ".join(peers) + " |",
             "|---" + "|---:" * len(peers) + "|"]
    for case, of in counts.items():
        lines.append(f"| {case} | " + " | ".join(
            digits(of[peer]) if peer in of else "" for peer in peers) + " |")
    return "\n".join(lines) + "\n"


def costs(cases, results):
    """[(case, {peer: multiple of the limit})], for the picture."""
    rows = []
    for case in cases:
        of = {peer: metrics[case.metric]["median"]
              for peer, metrics in results.get(case.name, {}).items()}
        if of.get(LIMIT):
            rows.append((case.name, {peer: value / of[LIMIT]
                                     for peer, value in of.items() if value > 0}))
    return rows


def losses(cases, results):
    """Lines: the cases in which some library is faster than evkit."""
    lines = []
    for case in cases:
        of = {peer: metrics[case.metric]
              for peer, metrics in results.get(case.name, {}).items()}
        mine = of.pop("evkit", None)
        faster = {peer: both(mine, theirs) for peer, theirs in of.items()
                  if mine and not is_ours(peer) and peer != LIMIT
                  and theirs["median"] < mine["median"]}
        if faster:
            lines.append(f"- {case.name}: " + ", ".join(
                f"{times} times {peer}" for peer, times in faster.items()))
    return lines
