#!/usr/bin/env python3
"""Draws W11: reads bench_growth's JSON line from stdin, writes an SVG to stdout. Both axes double with each line of the grid.

    build/release/bin/bench_growth minilm.pt vocab.txt | tests/bench/plot_growth.py > docs/growth.svg"""
import json, math, sys

COLOURS = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#34495e"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 820, 430, 60, 390, 30, 50


def main():
    result = json.load(sys.stdin)
    series = [(name.replace("_", " "), entry) for name, entry in result.items() if isinstance(entry, dict)]
    # Each series from its own first point: slopes are compared, not seconds.
    lines = [[(math.log2(q / e["quantity"][0]), math.log2(v / e["value"][0])) for q, v in zip(e["quantity"], e["value"])] for _, e in series]
    low = math.floor(min(min(y for _, y in line) for line in lines))
    high = math.ceil(max(max(abs(y) for _, y in line) for line in lines))
    x_low = min(0, math.floor(min(min(x for x, _ in line) for line in lines)))
    x_high = math.ceil(max(max(x for x, _ in line) for line in lines))
    at_x = lambda x: LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
    at_y = lambda y: HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
    power = lambda n: f"{2**n:g}x" if n >= 0 else f"1/{2**-n}x"
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>']
    for n in range(low, high + 1):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at_y(n):.1f}" y2="{at_y(n):.1f}" stroke="#ddd"/><text x="{LEFT - 8}" y="{at_y(n) + 4:.1f}" text-anchor="end">{power(n)}</text>')
    for n in range(x_low, x_high + 1):
        out.append(f'<line x1="{at_x(n):.1f}" x2="{at_x(n):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/><text x="{at_x(n):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{power(n)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">quantity</text><text x="16" y="{TOP - 10}">seconds</text>')
    for i, ((name, entry), line) in enumerate(zip(series, lines)):
        colour = COLOURS[i % len(COLOURS)]
        points = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in line)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
        y = TOP + 10 + 22 * i
        out.append(f'<rect x="{WIDTH - RIGHT + 14}" y="{y - 9}" width="10" height="10" fill="{colour}"/><text x="{WIDTH - RIGHT + 30}" y="{y}">{name}: exponent {entry["exponent"]:.2f}</text>')
    print("\n".join(out + ["</svg>"]))


main()
