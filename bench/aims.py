# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""What was aimed at, as data, and whether a run meets it.

Set before the loop was written, from what its peers and hand-written limits
reached on the machine of that day. A ratio within one run, never a time.
"""

import statistics

from figures import BASELINE, LIMIT, RATES, is_library, ratio

BEST = "the best library"


class Aim:
    """evkit's figure is at most `factor` times that of `peer`; of a rate, at least.

    Without a peer, `factor` is a number of its own. No `metric`: the one that
    the case is judged by.
    """

    def __init__(self, case, peer, factor, metric=None, ours="evkit"):
        self.case = case
        self.peer = peer
        self.factor = factor
        self.metric = metric
        self.ours = ours


AIMS = [
    Aim("cb_chain", "libuv", 0.10),
    Aim("cb_chain_fd", "libuv", 0.75),
    # Set for loops that watch something, which makes asio poll, too.
    Aim("cb_chain_fd_61", "libuv", 0.10),
    Aim("cb_chain_fd_61", "asio", 0.15),
    Aim("cb_chain_fd_61", "libevent", 0.75),
    Aim("cb_burst", "asio", 0.15),
    Aim("cb_burst", BASELINE, 0.5),
    Aim("cb_burst", LIMIT, 2.0),
    Aim("wake_rtt_idle", "libuv", 0.9),
    Aim("wake_rtt_idle", LIMIT, 1.05),
    Aim("wake_flood", "libuv", 0.35),
    Aim("wake_flood", "asio", 0.05),
    Aim("timer_ins_cancel_0", "libuv", 1.0),
    Aim("timer_ins_cancel_10k", "libuv", 0.15),
    Aim("timer_ins_cancel_10k", "libev", 0.6),
    Aim("timer_ins_cancel_1m", "libuv", 0.10),
    Aim("timer_ins_cancel_1m", "libev", 0.6),
    Aim("timer_rearm_10k", "libuv", 0.2),
    Aim("timer_rearm_10k", "libev", 0.5),
    Aim("timer_rearm_1m", "libuv", 0.10),
    Aim("timer_rearm_1m", "libev", 0.5),
    Aim("timer_fire_1m", "libuv", 0.2),
    Aim("timer_fire_1m", "libev", 0.6),
    Aim("coro_spawn", "asio", 0.15),
    Aim("coro_spawn", LIMIT, 2.0),
    Aim("coro_chain", "asio", 0.4),
    Aim("coro_chain", LIMIT, 2.0),
    Aim("coro_yield", "asio", 0.12),
    Aim("coro_yield", LIMIT, 2.0),
    Aim("coro_sleep", "asio", 0.4),
    Aim("coro_sleep", LIMIT, 2.0),
    Aim("spawn_small", "libuv", 0.97),
    Aim("spawn_small", LIMIT, 1.05),
    Aim("spawn_2g", "libuv", 1.0),
    Aim("fd_churn", "libev", 1.5),
    Aim("fd_churn", "libuv", 0.05),
    Aim("fd_churn_loop", "libev", 1.1),
    Aim("fd_churn_loop", "libuv", 0.35),
    Aim("fd_dispatch_1", "libuv", 0.9),
    Aim("fd_dispatch_1", LIMIT, 1.15),
    Aim("fd_dispatch_100", "libuv", 1.0),
    Aim("fd_dispatch_100", LIMIT, 1.08),
    Aim("fd_dispatch_1000", "libuv", 1.0),
    Aim("fd_dispatch_1000", LIMIT, 1.06),
] + [
    # Against Python: everything that is not mostly the kernel.
    Aim(case, "asyncio", 0.25)
    for case in (
        "cb_chain", "cb_chain_fd", "cb_chain_fd_61", "cb_burst", "wake_flood", "timer_ins_cancel_0",
        "timer_ins_cancel_10k", "timer_ins_cancel_1m", "timer_rearm_10k",
        "timer_rearm_1m", "timer_fire_1m", "timer_call_later_10k", "coro_spawn",
        "coro_chain", "coro_yield", "coro_sleep", "fd_churn", "fd_churn_loop", "fd_dispatch_1",
        "fd_dispatch_100", "fd_dispatch_1000")
] + [
    aim
    for case in ("echo_1_64", "echo_100_64", "echo_1000_64", "echo_pipe16")
    for aim in (Aim(case, LIMIT, 1.03, "server_cpu_ns"),
                Aim(case, BEST, 0.97, "req_per_s"))
] + [
    Aim("echo_100_64", "asyncio", 4.0, "req_per_s"),
    Aim("echo_1000_64", "asyncio", 4.0, "req_per_s"),
    Aim("echo_pipe16", "asyncio", 4.0, "req_per_s"),
    Aim("echo_100_64", "uvloop", 1.2, "req_per_s"),
    Aim("echo_1000_64", "uvloop", 1.2, "req_per_s"),
    Aim("echo_64k", LIMIT, 0.95, "mib_per_s"),
    Aim("echo_64k", "asyncio", 4.0, "mib_per_s"),
    Aim("accept", "libuv", 0.95, "server_cpu_ns"),
    Aim("accept", BEST, 0.97, "req_per_s"),
    Aim("idle_10k", None, 200, "bytes_per_connection"),
    Aim("idle_10k", "libuv", 0.75, "bytes_per_connection"),
    Aim("idle_10k", None, 600, "bytes_per_connection", ours="evkit_coro"),
    Aim("idle_10k", "asio_coro", 0.11, "bytes_per_connection", ours="evkit_coro"),
    Aim("udp_1_64", "libuv", 0.85, "server_cpu_ns"),
    Aim("udp_1_64", LIMIT, 1.05, "server_cpu_ns"),
    Aim("echo_10_64", None, 150, "instructions"),
    Aim("echo_10_64", "libuv", 0.5, "instructions"),
    Aim("echo_10_64", None, 300, "instructions", ours="evkit_coro"),
    Aim("echo_10_64", "asio_coro", 0.15, "instructions", ours="evkit_coro"),
    Aim("echo_100_64", None, 2.1, "system_calls"),
    Aim("echo_100_64", None, 0.2, "system_calls", ours="evkit_uring"),
    Aim("echo_100_64", LIMIT, 0.95, "server_cpu_ns", ours="evkit_uring"),
    Aim("echo_1000_64", LIMIT, 0.95, "server_cpu_ns", ours="evkit_uring"),
    Aim("accept", None, 6.2, "system_calls"),
]


def figures_of(rounds, more_is_better):
    return {"median": statistics.median(rounds),
            "best": max(rounds) if more_is_better else min(rounds),
            "rounds": rounds}


def figure(value):
    """A count, as what is measured in rounds has it."""
    return {"median": value, "best": value}


def peer_figures(of, aim, metric):
    """What to compare with, and its name; None if it was not measured."""
    if aim.peer is None:
        return figure(1), ""
    if aim.peer != BEST:
        return of.get(aim.peer, {}).get(metric), aim.peer
    libraries = [peer for peer in of if is_library(peer) and metric in of[peer]]
    if not libraries:
        return None, BEST
    choose = max if metric in RATES else min
    best = choose(libraries, key=lambda peer: of[peer][metric]["median"])
    return of[best][metric], best


def judge(results, metrics):
    """[{case, metric, ours, peer, aim, median, best, verdict}] of what was measured.

    `metrics` has the metric that a case is judged by.
    """
    verdicts = []
    for aim in AIMS:
        metric = aim.metric or metrics.get(aim.case)
        of = results.get(aim.case, {})
        mine = of.get(aim.ours, {}).get(metric)
        theirs, peer = peer_figures(of, aim, metric)
        if not mine or not theirs or not theirs["median"] or not theirs["best"]:
            continue
        values = [mine[kind] / theirs[kind] for kind in ("median", "best")]
        met = [value >= aim.factor if metric in RATES else value <= aim.factor
               for value in values]
        verdict = ("met" if all(met) else "unclear" if any(met) else "missed")
        verdicts.append({
            "case": aim.case, "metric": metric, "ours": aim.ours, "peer": peer,
            "aim": aim.factor, "median": values[0], "best": values[1],
            "verdict": verdict})
    return verdicts


def table(verdicts):
    counts = {verdict: sum(one["verdict"] == verdict for one in verdicts)
              for verdict in ("met", "unclear", "missed")}
    lines = ["### What was aimed at", "",
             "Ratios of medians, and of the best in brackets. Unclear: they "
             "disagree, which is the noise of the machine. " +
             ", ".join(f"{name}: {count}" for name, count in counts.items()) + ".",
             "",
             "| case | metric | of | against | ratio | aim | |",
             "|---|---|---|---|---:|---:|---|"]
    for one in verdicts:
        sign = "≥" if one["metric"] in RATES else "≤"
        shown = (f"{ratio(one['median'], 1)} ({ratio(one['best'], 1)})"
                 if one["median"] != one["best"] else ratio(one["median"], 1))
        verdict = "**missed**" if one["verdict"] == "missed" else one["verdict"]
        lines.append("| " + " | ".join([
            one["case"], one["metric"], one["ours"], one["peer"], shown,
            f"{sign} {one['aim']:g}", verdict]) + " |")
    return "\n".join(lines) + "\n"
