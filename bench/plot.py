# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""Results as a picture: each peer's cost as a multiple of the limit's."""

import math

from figures import LIMIT, is_ours

LEFT, RIGHT, TOP, ROW = 170, 40, 34, 44
WIDTH = 900
LEGEND_COLUMNS, LEGEND_ROW = 7, 22
# Distinguishable with any colour vision; ours are filled, the others are rings.
COLOURS = {
    "raw": "#000000", "uring": "#b3001b", "libuv": "#0072b2", "libev": "#56b4e9",
    "libevent": "#009e73", "asio": "#e69f00", "asio_coro": "#f0e442",
    "stdlib": "#8c6d31", "asyncio": "#999999", "uvloop": "#666666", "evkit": "#d55e00",
    "evkit_coro": "#cc79a7", "evkit_streams": "#7f3c8d", "evkit_uring": "#11a579",
}


def multiple(power):
    return f"{2 ** power}" if power >= 0 else f"1/{2 ** -power}"


def svg(title, rows):
    """`rows` are (case, {peer: multiple of the limit's cost})."""
    values = [value for _, of in rows for value in of.values()] or [1]
    low = min(0, math.floor(math.log2(min(values))))
    high = max(2, math.ceil(math.log2(max(values))))
    peers = list(dict.fromkeys(name for _, of in rows for name in of))
    legend_rows = math.ceil(len(peers) / LEGEND_COLUMNS)
    top = TOP + LEGEND_ROW * legend_rows + 14
    height = top + ROW * len(rows) + 50

    def x(value):
        return LEFT + (math.log2(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def dot(cx, cy, name):
        colour = COLOURS.get(name, "#444444")
        fill = colour if is_ours(name) or name == LIMIT else "none"
        return (f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="4.5" fill="{fill}" '
                f'stroke="{colour}" stroke-width="2.5"><title>{name}</title></circle>')

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="10" y="20" font-size="15">{title}</text>',
    ]
    for i, name in enumerate(peers):
        at = 20 + i % LEGEND_COLUMNS * (WIDTH - 30) / LEGEND_COLUMNS
        y = TOP + 8 + i // LEGEND_COLUMNS * LEGEND_ROW
        parts += [dot(at, y, name), f'<text x="{at + 10:.1f}" y="{y + 4}">{name}</text>']
    for power in range(low, high + 1):
        at = x(2.0 ** power)
        parts += [
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top - 8}" y2="{height - 40}" '
            f'stroke="{"#888888" if power == 0 else "#dddddd"}"/>',
            f'<text x="{at:.1f}" y="{height - 22}" text-anchor="middle" font-size="11">'
            f'{multiple(power)}</text>',
        ]
    for i, (case, of) in enumerate(rows):
        y = top + ROW * i + ROW / 2
        parts += [
            f'<text x="10" y="{y + 4:.1f}">{case}</text>',
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            'stroke="#eeeeee"/>',
        ]
        # Ours last, on top.
        for name in sorted(of, key=is_ours):
            # One below the other: most are beside each other.
            offset = (peers.index(name) / max(1, len(peers) - 1) - 0.5) * (ROW - 16)
            parts.append(dot(x(of[name]), y + offset, name))
    return "\n".join(parts + ["</svg>"]) + "\n"
