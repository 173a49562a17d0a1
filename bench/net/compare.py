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
import report


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", required=True, help="path")
    parser.add_argument("--server", action="append", default=[], help="name=path")
    parser.add_argument("--quick", action="store_true", help="about two minutes")
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


def write(path, text):
    """`path` is relative to where the user is, not to where Bazel runs this."""
    if path:
        home = os.environ.get("BUILD_WORKING_DIRECTORY", ".")
        with open(os.path.join(home, path), "w", encoding="utf-8") as file:
            file.write(text)


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


def interleaved(options, servers, cases):
    """{case: {server: Summary}}"""
    rounds = options.rounds or (3 if options.quick else 7)
    seconds = options.seconds or (0.3 if options.quick else 1.5)
    results = {}
    for case in cases:
        runs = {}
        left = dict(servers)
        for _ in range(1 if case.load["mode"] == "idle" else rounds):
            for name, path in list(left.items()):
                try:
                    run = measure(options.client, name, path, case, seconds)
                except programs.Unavailable:
                    del left[name]
                    continue
                except programs.Failure as failure:
                    say(f"FAILED: {failure}")
                    continue
                runs.setdefault(name, []).append(run)
        results[case.name] = {
            name: figures.Summary(of) for name, of in runs.items()}
        say(f"{case.name} is done")
    return results


def smoke(options, servers):
    """A few hundred requests of each case on each server."""
    failed = 0
    for case in programs.CASES:
        for name, path in servers.items():
            more = {"requests": 320, "verify": 1}
            more["connections"] = min(case.load.get("connections", 1), 20)
            if case.serve == "sendfile":
                more["requests"] = 20
            try:
                with programs.Server(name, path, case.serve) as server:
                    result = programs.run_client(
                        options.client, server, case,
                        server_pid=server.process.pid, **more)
                ok = case.load["mode"] == "idle" or (
                    result["requests"] == more["requests"])
                say(f"{'ok' if ok else 'FAILED'}: {case.name}, {name}")
                failed += not ok
            except programs.Unavailable as reason:
                say(f"skipped: {case.name}, {reason}")
            except programs.Failure as failure:
                say(f"FAILED: {failure}")
                failed += 1
    return failed == 0


def main():
    options = arguments()
    servers = dict(pair.split("=", 1) for pair in options.server)
    if options.servers:
        servers = {name: servers[name] for name in options.servers}
    if options.smoke:
        sys.exit(not smoke(options, servers))

    cases = [case for case in programs.CASES
             if not options.cases or case.name in options.cases]
    facts = figures.machine()
    results = {} if options.no_timing else interleaved(options, servers, cases)
    counts = {
        kind: counting.count(options.client, servers, options.cases, kind, say)
        for kind in ("instructions", "system_calls") if getattr(options, kind)
    }

    tables = [" · ".join(f"{name}: {value}" for name, value in facts.items()) + "\n"]
    tables += [report.case_table(case, results[case.name])
               for case in cases if results.get(case.name)]
    if results:
        tables.append(report.verdicts(cases, results))
    tables += [report.counted_table(rows, kind) for kind, rows in counts.items()]
    text = "\n".join(tables)
    print(text)
    write(options.markdown, text)
    if options.svg:
        title = (f"Server CPU per request (idle_10k: bytes per connection), as a "
                 f"multiple of {figures.LIMIT}; left is better")
        write(options.svg, plot.svg(title, [
            (case.name, report.costs(case, results[case.name]))
            for case in cases if results.get(case.name)]))
    if options.json:
        everything = {
            "machine": facts,
            "cases": {
                case: {name: summary.as_json(report.METRICS)
                       for name, summary in summaries.items()}
                for case, summaries in results.items()
            },
            **counts,
        }
        write(options.json, json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
