#!/usr/bin/env python3
# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""Measures evkit's servers and those of other event loops on the same work.

    ./bazelw run -c opt //bench:net -- [--quick] [--rounds N] [--seconds S]
      [--cases a,b] [--servers a,b] [--json FILE] [--markdown FILE]
      [--svg FILE] [--instructions] [--system_calls] [--no_timing] [--smoke]

Rounds go through all servers before the next one begins (A B C A B C), each in
processes of its own, server and client on a core each where there are two.
Prints tables in markdown. --instructions (valgrind) and --system_calls (strace)
also count what a request costs, where these programs are installed.
"""

import argparse
import json
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

# pylint: disable=wrong-import-position
import counting
import figures
import plot
import programs
import python_peers
import report
import smoke
from output import say, write


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", required=True, help="path")
    parser.add_argument("--server", action="append", default=[], help="name=path")
    parser.add_argument("--uvloop", default="", help="path of a file beside its usr/")
    parser.add_argument("--quick", action="store_true",
                        help="fewer cases, servers and rounds: two minutes")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each measurement")
    parser.add_argument("--cases", type=lambda names: names.split(","))
    parser.add_argument("--servers", type=lambda names: names.split(","))
    parser.add_argument("--json", help="where to put all numbers")
    parser.add_argument("--markdown", help="where to put the tables, too")
    parser.add_argument("--svg", help="where to put a picture")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--system_calls", action="store_true")
    parser.add_argument("--no_timing", action="store_true")
    parser.add_argument("--smoke", action="store_true",
                        help="only whether all work, quickly")
    return parser.parse_args()


def measure(client, server, path, case, seconds):
    """One round of one case on one server."""
    server_core, client_core = programs.cores()
    more = {"seconds": seconds, "warm_up": seconds / 5}
    if case.load["mode"] == "idle":
        room = programs.raise_file_limit() - 200
        more["connections"] = min(case.load["connections"], room * 9 // 10)
    with programs.Server(server, path, case.serve, server_core) as process:
        return programs.run_client(
            client, process, case, client_core,
            server_pid=process.process.pid, **more)


def rounds_of(options, case):
    rounds = options.rounds or (3 if options.quick else 7)
    if case.load["mode"] == "idle":
        return 1 if options.quick else min(rounds, 3)
    return rounds


def interleaved(options, servers, cases):
    """{case: {server: Summary}}, {case: {server: why it was skipped}}, and what
    went wrong."""
    seconds = options.seconds or (0.3 if options.quick else 1.5)
    results, skipped, failures = {}, {}, []
    for case in cases:
        runs, reasons = {}, {}
        for _ in range(rounds_of(options, case)):
            for name, path in servers.items():
                if name in reasons:
                    continue
                try:
                    run = measure(options.client, name, path, case, seconds)
                    runs.setdefault(name, []).append(run)
                except programs.Unavailable as reason:
                    reasons[name] = str(reason)
                except programs.Failure as failure:
                    say(f"FAILED: {failure}")
                    failures.append(str(failure))
        results[case.name] = {
            name: figures.Summary(of) for name, of in runs.items()}
        skipped[case.name] = reasons
        say(f"{case.name} is done")
    return results, skipped, failures


def chosen(names, everything, quick_names, options):
    """Of `everything`, {name: ...}: what was asked for, else all, or the few."""
    names = names or (quick_names if options.quick else everything)
    return {name: everything[name] for name in names if name in everything}


def picture(cases, results):
    title = (f"As a multiple of {figures.LIMIT}, left is better: server CPU per "
             "request, or what stands in brackets")
    rows = [(case.name + ("" if case.judged else f" ({case.metric.split('_')[0]})"),
             report.costs(case, results[case.name]))
            for case in cases if results.get(case.name)]
    return plot.svg(title, rows)


def main():
    options = arguments()
    python_peers.use_uvloop(options.uvloop)
    servers = dict(pair.split("=", 1) for pair in options.server)
    if options.smoke:
        sys.exit(not smoke.run(options.client, servers, say))

    servers = chosen(options.servers, servers, programs.QUICK_SERVERS, options)
    cases = list(chosen(options.cases, {case.name: case for case in programs.CASES},
                        programs.QUICK_CASES, options).values())
    facts = figures.machine()
    versions = {name: programs.version(name, path) for name, path in servers.items()}
    results, skipped, failures = (
        ({}, {}, []) if options.no_timing else interleaved(options, servers, cases))
    counts = {
        kind: counting.count(options.client, servers, options.cases, kind, say)
        for kind in ("instructions", "system_calls") if getattr(options, kind)
    }

    tables = [" · ".join(f"{name}: {value}" for name, value in of.items()) + "\n"
              for of in (facts, versions)]
    tables += [report.case_table(case, results[case.name], skipped[case.name])
               for case in cases if results.get(case.name)]
    if results:
        tables.append(report.verdicts(cases, results))
    tables += [report.counted_table(rows, kind) for kind, rows in counts.items()]
    tables += [f"FAILED: {failure}\n" for failure in failures]
    text = "\n".join(tables)
    print(text)
    write(options.markdown, text)
    if options.svg:
        write(options.svg, picture(cases, results))
    if options.json:
        everything = {
            "suite": "net",
            "machine": facts,
            "versions": versions,
            "cases": [{"case": case.name, "about": case.about,
                       "metric": case.metric, "judged": case.judged or case.metric}
                      for case in cases],
            "results": report.results_as_json(cases, results, counts),
            "skipped": [{"case": case, "server": name, "why": why}
                        for case, of in skipped.items() for name, why in of.items()],
            "failed": failures,
        }
        write(options.json, json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
