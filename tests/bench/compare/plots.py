"""SVG by hand. Grey letters and saturated colours can be read on light and on dark ground; the media query makes them better on dark."""
import math

COLOURS = {"tcp": "#8a8a8a", "agw": "#2f81f7", "agw-o2": "#79c0ff", "pion": "#e5534b", "libdatachannel": "#d29922", "aiortc": "#8957e5", "janus": "#3fa34d"}
STYLE = """<style>
text { font: 12px sans-serif; fill: #444 } .head { font-weight: bold } .end { text-anchor: end } .mid { text-anchor: middle }
.grid { stroke: #888; stroke-opacity: .35 }
@media (prefers-color-scheme: dark) { text { fill: #ccc } }
</style>"""


def short(value):
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def words(x, y, what, kind=""):
    return f'<text x="{x:.0f}" y="{y:.0f}"' + (f' class="{kind}"' if kind else "") + f">{what}</text>"


def picture(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n{STYLE}\n'
            + "\n".join(parts) + "\n</svg>\n")


PANELS = [(("up-16k", "cpu_mb"), "16 KiB to the core: ms of CPU a MB"), (("down-16k", "cpu_mb"), "16 KiB to the WIC: ms of CPU a MB"),
          (("up-200", "messages"), "200 B to the core: messages/s (more is better)"), (("down-1000", "cpu_mb"), "1 000 B to the WIC: ms of CPU a MB"),
          (("calls", "cpu_call"), "a call: ms of CPU"), (("idle", "memory"), "an idle call: KB")]


def bars(result, means, titles):
    """A panel for each of the measures, two side by side; linear, each panel by its own longest bar."""
    systems = list(dict.fromkeys(r["system"] for r in result["runs"]))
    wide, row, label, longest = 450, 18, 120, 240
    tall = 34 + row * len(systems)
    parts = []
    for i, (what, title) in enumerate(PANELS):
        left, top = (i % 2) * wide, (i // 2) * (tall + 10)
        values = means.get(what, {})
        most = max(values.values(), default=1)
        parts.append(words(left + 6, top + 18, title, "head"))
        for j, system in enumerate(systems):
            y = top + 28 + j * row
            parts.append(words(left + label - 6, y + 12, titles[system], "end"))
            if system not in values:
                parts.append(words(left + label, y + 12, "–"))
                continue
            length = max(1, longest * values[system] / most)
            parts.append(f'<rect x="{left + label}" y="{y + 2}" width="{length:.1f}" height="{row - 5}" fill="{COLOURS[system]}"/>')
            parts.append(words(left + label + length + 5, y + 12, short(values[system])))
    return picture(2 * wide, (len(PANELS) + 1) // 2 * (tall + 10), parts)


def trips(result, titles):
    """Both axes logarithmic."""
    points = [p for p in result["rtt"]["points"] if not p["faults"] and p["mbit"] > 0 and "wic" not in p]
    left, top, wide, tall = 60, 20, 460, 260
    trips_seen = sorted({p["trip_ms"] for p in points})
    low = math.floor(math.log10(min(p["mbit"] for p in points)))
    high = math.ceil(math.log10(max(p["mbit"] for p in points)))
    span = math.log(trips_seen[-1] / trips_seen[0]) or 1

    def x(trip):
        return left + wide * math.log(trip / trips_seen[0]) / span

    def y(mbit):
        return top + tall * (high - math.log10(mbit)) / (high - low)

    parts = []
    for power in range(low, high + 1):
        at = y(10 ** power)
        parts += [f'<line class="grid" x1="{left}" x2="{left + wide}" y1="{at:.1f}" y2="{at:.1f}"/>', words(left - 6, at + 4, f"{10 ** power:g}", "end")]
    for trip in trips_seen:
        parts += [f'<line class="grid" x1="{x(trip):.1f}" x2="{x(trip):.1f}" y1="{top}" y2="{top + tall}"/>', words(x(trip), top + tall + 16, f"{trip}", "mid")]
    parts += [words(left + wide / 2, top + tall + 34, "round trip, ms", "mid"), words(6, 12, "Mbit/s to the WIC")]
    for i, system in enumerate(dict.fromkeys(p["system"] for p in points)):
        own = [(x(p["trip_ms"]), y(p["mbit"])) for p in points if p["system"] == system]
        dashes = ' stroke-dasharray="6 4"' if system == "tcp" else ""
        colour = COLOURS[system]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dashes} points="' + " ".join(f"{a:.1f},{b:.1f}" for a, b in own) + '"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in own]
        parts += [f'<line x1="{left + wide + 16}" x2="{left + wide + 40}" y1="{top + 10 + 20 * i}" y2="{top + 10 + 20 * i}" stroke="{colour}" stroke-width="2"{dashes}/>',
                  words(left + wide + 46, top + 14 + 20 * i, titles[system])]
    return picture(left + wide + 170, top + tall + 44, parts)
