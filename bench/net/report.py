# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""Medians, spreads and ratios of what was measured, as tables."""

from figures import LIMIT, RATES, digits, is_library, is_ours, ratio

METRICS = ("req_per_s", "mib_per_s", "p50_us", "p99_us", "p999_us",
           "server_cpu_ns", "server_wait_share", "bytes_per_connection")


def costs(case, summaries):
    """{server: multiple of the limit's cost}, for the picture."""
    metric = ("bytes_per_connection" if case.load["mode"] == "idle"
              else "server_cpu_ns")
    if LIMIT not in summaries or not summaries[LIMIT].median(metric):
        return {}
    limit = summaries[LIMIT].median(metric)
    return {name: summary.median(metric) / limit
            for name, summary in summaries.items() if summary.median(metric)}


def best_library(summaries, metric):
    """The library whose median is the best one; None without libraries."""
    libraries = [name for name in summaries if is_library(name)]
    if not libraries:
        return None
    choose = max if metric in RATES else min
    return choose(libraries, key=lambda name: summaries[name].median(metric))


def case_table(case, summaries):
    """One case, a line a server."""
    metric = case.metric
    judged = "server_cpu_ns" if case.load["mode"] != "idle" else metric
    columns = dict.fromkeys((metric, "req_per_s", "p50_us", "p99_us", "p999_us"))
    if case.load["mode"] == "idle":
        columns = {metric: None}
    peer = best_library(summaries, metric)
    cheapest = best_library(summaries, judged)
    lines = [f"### {case.name}: {case.about}", ""]
    heads = ["server", *columns, f"x {LIMIT}", f"x {peer}", "spread"]
    if judged != metric:
        heads += ["server_cpu_ns (best)", f"x {LIMIT} (best)",
                  f"x {cheapest} (best)"]
    lines.append("| " + " | ".join(heads) + " |")
    lines.append("|---" + "|---:" * (len(heads) - 1) + "|")

    def against(summary, other, of):
        if other not in summaries:
            return ""
        return ratio(summary.median(of), summaries[other].median(of))

    def best_against(summary, other, of):
        if other not in summaries:
            return ""
        return f" ({ratio(summary.best(of), summaries[other].best(of))})"

    for name, summary in summaries.items():
        row = [name] + [digits(summary.median(column)) for column in columns]
        row += [against(summary, LIMIT, metric), against(summary, peer, metric),
                f"{100 * summary.spread(metric):.0f} %"]
        if judged != metric:
            row.append(f"{digits(summary.median(judged))} "
                       f"({digits(summary.best(judged))})")
            for other in (LIMIT, cheapest):
                row.append(against(summary, other, judged) +
                           best_against(summary, other, judged))
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def verdicts(cases, results):
    """Ours beside the limit and the best library, won or lost."""
    lines = ["### evkit beside the limit and the best library", "",
             "Ratios of medians, and of the best rounds in brackets. Below 1 is "
             "won where less is better, above 1 where more is.", "",
             "| case | metric | server | x raw | x best library | which |",
             "|---|---|---|---:|---:|---|"]
    for case in cases:
        summaries = results.get(case.name, {})
        metrics = [case.metric]
        if case.load["mode"] != "idle":
            metrics.append("server_cpu_ns")
        for metric in metrics:
            peer = best_library(summaries, metric)
            for name, summary in summaries.items():
                if not is_ours(name):
                    continue
                row = [case.name, metric, name]
                for other in (LIMIT, peer):
                    if other in summaries:
                        theirs = summaries[other]
                        row.append(
                            f"{ratio(summary.median(metric), theirs.median(metric))} "
                            f"({ratio(summary.best(metric), theirs.best(metric))})")
                    else:
                        row.append("")
                lines.append("| " + " | ".join(row + [str(peer)]) + " |")
    return "\n".join(lines) + "\n"


def counted_table(rows, kind):
    """Counts per request, a line a server, a column a case."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    servers = list(dict.fromkeys(row["server"] for row in rows))
    cells = {}
    for row in rows:
        value = row[kind]
        if kind == "system_calls":
            names = ", ".join(f"{name} {each:.2f}" for name, each in
                              sorted(value.items(), key=lambda item: -item[1]))
            cells[row["server"], row["case"]] = f"{sum(value.values()):.2f} ({names})"
        else:
            cells[row["server"], row["case"]] = f"{value:.0f}"
    title = kind.replace("_", " ").capitalize()
    lines = [f"### {title} per request", "",
             "| server | " + " | ".join(cases) + " |",
             "|---" + "|---:" * len(cases) + "|"]
    for server in servers:
        lines.append(f"| {server} | " + " | ".join(
            cells.get((server, case), "") for case in cases) + " |")
    return "\n".join(lines) + "\n"
