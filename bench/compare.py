#!/usr/bin/env python3
# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""Measures evkit and its peers on the same work, in one run.

    ./bazelw run -c opt //bench:compare -- [--quick] [--rounds N] [--cases a,b]
      [--suites micro,net] [--peers a,b] [--json FILE] [--markdown FILE]
      [--svg FILE] [--seconds S] [--net_seconds S] [--instructions] [--no_timing]
      [--smoke]

The suites are bench/micro, the loop itself, and bench/net, servers. Within each,
the rounds of a case go through all peers before the next one begins (A B C A B
C). Prints tables in markdown, and which aims (aims.py) are met. --quick takes
about two minutes. --instructions also counts what each operation costs, where
valgrind is installed (bench/net by itself also counts system calls).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import aims
import figures
import micro_suite
import plot
import python_peers
from output import say, write


def names(text):
    return text.split(",")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", help="the driver of bench/net")
    parser.add_argument("--uvloop", default="", help="path of a file beside its usr/")
    parser.add_argument("--program", action="append", default=[], help="name=path")
    parser.add_argument("--quick", action="store_true", help="about two minutes")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each measurement of micro")
    parser.add_argument("--net_seconds", type=float, help="the same of net")
    parser.add_argument("--cases", type=names)
    parser.add_argument("--suites", type=names, default=["micro", "net"])
    parser.add_argument("--peers", type=names, help="of micro")
    parser.add_argument("--json", help="where to put all numbers")
    parser.add_argument("--markdown", help="where to put the tables, too")
    parser.add_argument("--svg", help="where to put a picture")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--no_timing", action="store_true")
    parser.add_argument("--smoke", action="store_true",
                        help="only whether the programs of micro work")
    return parser.parse_args()


def run_net(options):
    """The numbers and the tables of bench/net; None if it is not asked for."""
    with tempfile.TemporaryDirectory() as folder:
        numbers, tables = (os.path.join(folder, name) for name in ("json", "text"))
        command = [options.net, "--json", numbers, "--markdown", tables]
        if options.cases:
            command += ["--cases", ",".join(options.cases)]
        if options.rounds:
            command += ["--rounds", str(options.rounds)]
        if options.net_seconds:
            command += ["--seconds", str(options.net_seconds)]
        command += [flag for flag, on in (
            ("--quick", options.quick), ("--no_timing", options.no_timing),
            ("--instructions", options.instructions),
            ("--system_calls", options.instructions)) if on]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            say(f"FAILED: bench/net ended with {done.returncode}")
            return None, ""
        with open(numbers, encoding="utf-8") as file:
            everything = json.load(file)
        with open(tables, encoding="utf-8") as file:
            # The facts of the machine come first; they are ours, too.
            return everything, file.read().partition("\n")[2].strip() + "\n"


def net_results(everything):
    """{case: {server: {metric: figures}}}, with what was counted."""
    results = {}
    for entry in everything["results"]:
        server = results.setdefault(entry["case"], {}).setdefault(entry["server"], {})
        server[entry["metric"]] = aims.figures_of(
            entry["rounds"], entry["more_is_better"])
    return results


def net_costs(everything, results):
    """For the picture: what each case is judged by, as a multiple of the limit's."""
    rows = []
    for case in everything["cases"]:
        metric = case["judged"]
        of = {server: metrics[metric]["median"]
              for server, metrics in results.get(case["case"], {}).items()
              if metric in metrics}
        if of.get(figures.LIMIT):
            rows.append((case["case"], {server: value / of[figures.LIMIT]
                                        for server, value in of.items() if value > 0}))
    return rows


def main():
    options = arguments()
    python_peers.use_uvloop(options.uvloop)
    programs = dict(pair.split("=", 1) for pair in options.program)
    if options.peers:
        programs = {peer: programs[peer] for peer in options.peers}
    if options.smoke:
        sys.exit(not micro_suite.smoke(programs, say))

    def asked(cases):
        return [case for case in cases
                if not options.cases or case.name in options.cases]

    facts = figures.machine()
    facts["processors"] = len(os.sched_getaffinity(0))
    cases = asked(micro_suite.CASES)
    safety = asked(micro_suite.SAFETY_CASES)
    micro, counts, net, net_tables = {}, {}, None, ""
    if "micro" in options.suites:
        if not options.no_timing:
            micro = micro_suite.measure(
                programs, cases + safety,
                options.rounds or (3 if options.quick else 7),
                options.seconds or (0.02 if options.quick else 0.2),
                options.quick, say)
        if options.instructions:
            counts = micro_suite.count_instructions(programs, cases + safety, say)
    micro_names = {case.name for case in (*cases, *safety)}
    if "net" in options.suites and (
            not options.cases or set(options.cases) - micro_names):
        net, net_tables = run_net(options)
    facts["load after"] = figures.load()

    servers = net_results(net) if net else {}
    verdicts = aims.judge({**micro, **servers},
                          {case.name: case.metric for case in cases})
    tables = [" · ".join(f"{name}: {value}" for name, value in facts.items()) + "\n"]
    if micro:
        tables.append(micro_suite.table(cases, micro))
        lost = micro_suite.losses(cases, micro)
        if lost:
            tables.append("### Where a peer is faster\n\nWhat evkit takes, of what "
                          "the peer does.\n\n" + "\n".join(lost) + "\n")
        tables.append(micro_suite.safety_table(micro))
    if counts:
        tables.append(micro_suite.counted_table(counts))
    tables.append(net_tables)
    if verdicts:
        tables.append(aims.table(verdicts))
    text = "\n".join(one for one in tables if one)
    print(text)
    write(options.markdown, text)
    if options.svg:
        title = ("Cost as a multiple of the hand-written limit's: processor time; "
                 "wake_*, noisy_*: time; idle_10k: memory. Left is better")
        write(options.svg, plot.svg(
            title, micro_suite.costs(cases, micro) + (net_costs(net, servers) if net else [])))
    if options.json:
        write(options.json, json.dumps(
            {"machine": facts, "micro": micro, "instructions": counts, "net": net,
             "aims": verdicts}, indent=1) + "\n")


if __name__ == "__main__":
    main()
