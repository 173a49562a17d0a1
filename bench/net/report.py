# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""Medians, spreads and ratios of what was measured, as tables."""

from figures import (
    LIMIT, OTHER_LIMITS, RATES, digits, is_library, is_ours, ratio, result, verdict)

def costs(case, summaries):
    """{server: multiple of the limit's cost}, for the picture."""
    metric = case.judged or case.metric
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


def columns_of(case):
    """The metrics that a table shows."""
    if case.load["mode"] == "idle":
        return [case.metric]
    columns = [case.metric, "req_per_s", "p50_us", "p99_us", "p999_us"]
    if "heavy" in case.load:
        columns.append("heavy_mib_per_s")
    return list(dict.fromkeys(columns))


def beside(summary, other, metric):
    """The ratio of medians, and of the best rounds."""
    if other is None:
        return ""
    return (f"{ratio(summary.median(metric), other.median(metric))} "
            f"({ratio(summary.best(metric), other.best(metric))})")


def case_table(case, summaries, skipped):
    """One case, a line a server. `skipped` is {server: why}."""
    columns = columns_of(case)
    heads = ["server", *columns, f"quartiles of {case.metric}"]
    compared = [case.metric] + ([case.judged] if case.judged else [])
    for metric in compared:
        if metric != case.metric:
            heads.append(f"{metric} (best)")
        heads += [f"x {LIMIT} (best)", f"x {best_library(summaries, metric)} (best)"]
    lines = [f"### {case.name}: {case.about}", "",
             "| " + " | ".join(heads) + " |",
             "|---" + "|---:" * (len(heads) - 1) + "|"]
    for name, summary in summaries.items():
        first, third = summary.quartiles(case.metric)
        row = [name, *(digits(summary.median(column)) for column in columns),
               f"{digits(first)} to {digits(third)}"]
        for metric in compared:
            if metric != case.metric:
                row.append(f"{digits(summary.median(metric))} "
                           f"({digits(summary.best(metric))})")
            for other in (LIMIT, best_library(summaries, metric)):
                row.append(beside(summary, summaries.get(other), metric))
        lines.append("| " + " | ".join(row) + " |")
    for name, why in skipped.items():
        lines.append(f"| {name} | skipped: {why} |" + " |" * (len(heads) - 2))
    return "\n".join(lines) + "\n"


def verdicts(cases, results):
    """Ours beside the limits and the best library, won or lost."""
    limits = (LIMIT, *OTHER_LIMITS)
    lines = ["### evkit beside the limits and the best library", "",
             "Ratios of medians, and of the best rounds in brackets; below 1 is "
             "better where less is, above 1 where more is. Level: the middle halves "
             "of the rounds overlap.", "",
             "| case | metric | server | "
             + " | ".join(f"x {limit}" for limit in limits)
             + " | x best library | which | against it |",
             "|---|---|---|" + "---:|" * (len(limits) + 1) + "---|---|"]
    for case in cases:
        summaries = results.get(case.name, {})
        for metric in filter(None, (case.metric, case.judged)):
            library = best_library(summaries, metric)
            for name, summary in summaries.items():
                if not is_ours(name):
                    continue
                row = [case.name, metric, name]
                row += [beside(summary, summaries.get(other), metric)
                        for other in (*limits, library)]
                row += [library or "", verdict(summary, summaries[library], metric)
                        if library else ""]
                lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def results_as_json(cases, results, counts):
    """The entries of "results": one for each case, server and metric."""
    entries = [
        result(case.name, name, metric, summary.values(metric))
        for case in cases
        for name, summary in results.get(case.name, {}).items()
        for metric in case.metrics()
    ]
    for kind, rows in counts.items():
        for row in rows:
            value = row[kind]
            entry = result(row["case"], row["server"], kind,
                           [sum(value.values())] if isinstance(value, dict) else [value])
            if isinstance(value, dict):
                entry["calls"] = value
            entries.append(entry)
    return entries


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
