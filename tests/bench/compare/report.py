"""What was measured, as text, as the README's section and as plots."""
import re
import statistics

import plots
from measures import FIGURES, MEASURES

TITLES = {"tcp": "TCP (CUBIC)", "agw": "agw", "agw-o2": "agw, usrsctp -O2", "pion": "Pion", "libdatachannel": "libdatachannel", "aiortc": "aiortc", "janus": "Janus",
          "chromium": "Chromium"}
LABELS = {"rate": "MB/s", "cpu_mb": "ms of CPU a MB", "messages": "messages/s", "cpu_message": "µs of CPU a message", "setup": "ms", "calls": "calls/s",
          "cpu_call": "ms of CPU a call", "memory": "KB", "median": "median, ms", "p99": "p99, ms"}

BUSY = 0.85  # of the cores: above, a rate says little of the path


def short(value):
    """Three digits."""
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def line(turn, system, measure, figures, faults):
    words = ", ".join(f"{short(value)} {FIGURES[key][0]}" for key, value in figures.items())
    return f"round {turn + 1}  {system.title:15} {measure.title:34} {words or '-'}{'  ' + '; '.join(faults) if faults else ''}"


def by_round(result):
    """{(measure, figure): {system: [a value a round]}}; a run with faults counts for nothing."""
    values = {}
    for run in result["runs"]:
        for key, value in ({} if run["faults"] else run["figures"]).items():
            values.setdefault((run["measure"], key), {}).setdefault(run["system"], []).append(value)
    return values


def means(result):
    """{(measure, figure): {system: mean over the rounds}}."""
    return {what: {system: sum(all) / len(all) for system, all in by.items()} for what, by in by_round(result).items()}


def spread(result):
    """How far a figure of one system is from itself in another round: what a ratio nearer to 1 than that is worth."""
    apart = [max(all) / min(all) - 1 for by in by_round(result).values() for all in by.values() if len(all) > 1 and min(all) > 0]
    if len(apart) < 2:
        return ""
    return f" One system's figures of different rounds are {statistics.median(apart):.0%} apart (median), a tenth of them {statistics.quantiles(apart, n=10)[-1]:.0%} or more."


def cell(result, what, by, system):
    if system in by:
        ratio = "" if system == "agw" or not by.get("agw") else f" ({short(by[system] / by['agw'])})"
        return short(by[system]) + ratio
    runs = [r for r in result["runs"] if r["system"] == system and r["measure"] == what[0]]
    cannot = next((r["report"]["cannot"] for r in runs if r["report"].get("cannot")), None)
    return cannot or ("failed" if any(r["faults"] for r in runs) else "")


def comparison(result):
    by_figure = means(result)
    systems = list(dict.fromkeys(r["system"] for r in result["runs"]))
    lines = ["| | " + " | ".join(TITLES[s] for s in systems) + " |", "|---" * (len(systems) + 1) + "|"]
    for measure in MEASURES:
        for key in measure.figures:
            if any(r["measure"] == measure.key for r in result["runs"]):
                what = (measure.key, key)
                cells = [cell(result, what, by_figure.get(what, {}), s) for s in systems]
                lines.append(f"| {measure.title}: {LABELS[key]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def trips(result):
    points = [p for p in result["rtt"]["points"] if "wic" not in p]
    systems = list(dict.fromkeys(p["system"] for p in points))
    lines = ["| round trip | " + " | ".join(TITLES[s] for s in systems) + " |", "|---" * (len(systems) + 1) + "|"]
    for trip in dict.fromkeys(p["trip_ms"] for p in points):
        here = {p["system"]: p for p in points if p["trip_ms"] == trip}
        cells = ["failed" if here[s]["faults"] else short(here[s]["mbit"]) + ("*" if here[s].get("busy", 0) > BUSY else "") for s in systems]
        lines.append(f"| {trip} ms | " + " | ".join(cells) + " |")
    if any(p.get("busy", 0) > BUSY for p in points):
        lines += ["", f"\\* The machine's cores were more than {BUSY:.0%} busy, with system, client and the emulated link, which reads and writes each packet: not the path is the limit."]
    return "\n".join(lines)


def wic_cell(point, tcp):
    """Beside the figure its share of what TCP carries, or of what the receiver's window allows where that is less."""
    if point["faults"]:
        return "failed"
    allowed = point["window"] * 8e-3 / point["trip_ms"]
    of = f" of {short(allowed)}" if allowed < tcp["mbit"] else ""
    return short(point["mbit"]) + ("*" if point["busy"] > BUSY else "") + f" ({point['mbit'] / min(allowed, tcp['mbit']):.2f}{of})"


def wics(results):
    """One table of all links."""
    points = [p | {"link": r["rtt"]["link"]} for r in results for p in r["rtt"]["points"]]
    columns = list(dict.fromkeys((p["wic"], p["direction"]) for p in points if "wic" in p))
    words = {"down": "to", "up": "from"}
    lines = ["| link | TCP (CUBIC) | " + " | ".join(f"{words[d]} {TITLES[w]}" for w, d in columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for link, trip in dict.fromkeys((p["link"], p["trip_ms"]) for p in points):
        here = {(p.get("wic", p["system"]), p.get("direction")): p for p in points if (p["link"], p["trip_ms"]) == (link, trip)}
        tcp = here["tcp", None]
        cells = [wic_cell(here[c], tcp) if c in here else "" for c in columns]
        lines.append(f"| {trip} ms, {link} | {short(tcp['mbit'])} | " + " | ".join(cells) + " |")
    if any(p["busy"] > BUSY for p in points):
        lines += ["", f"\\* The machine's cores were more than {BUSY:.0%} busy: the path need not be what limits."]
    return "\n".join(lines)


def has_systems(result):
    return any(p["system"] != "tcp" and "wic" not in p for p in result["rtt"]["points"])


def has_wics(result):
    return any("wic" in p for p in result.get("rtt", {}).get("points", []))


def origin(result):
    machine = result["machine"]
    versions = "; ".join(f"{TITLES[s]} {v.removeprefix('agw-server ')}" for s, v in result["versions"].items())
    busy = " The machine had other work: rates and times mean little, costs are upper bounds." if machine.get("busy_before", 0) > 0.25 else ""
    return (f"{machine['cores']} cores, {machine['cpu']}, Linux {machine['kernel']}, load {machine['load_before']:.1f} before the run; "
            f"commit {result['commit']}, {result['date'][:10]}, `{result['command'].strip()}`. {versions}.{busy}"
            + (spread(result) if "rtt" not in result else ""))


def text(result):
    if "rtt" not in result:
        tables = [comparison(result)]
    else:
        tables = [table for table, wanted in ((trips(result), has_systems(result)), (wics([result]), has_wics(result))) if wanted]
    return "\n\n".join([*tables, origin(result)])


def publish_wics(results, root):
    replace(root, "wics", "\n\n".join([wics(results), *map(origin, results)]))


def publish(result, root):
    """Between the section's markers in the README, with its plot beside the operator's guide."""
    docs = root / "apps" / "server" / "docs"
    if "rtt" in result:
        name, picture, alt = "beside-others-rtt", plots.trips(result, TITLES), "Mbit/s to the WIC at round trips of 2 to 300 ms"
        said = f"One session to the WIC, Mbit/s, over a link with {result['rtt']['link']}, {result['rtt']['seconds']:g} s from its begin:\n\n{trips(result)}"
    else:
        name, picture, alt = "beside-others", plots.bars(result, means(result), TITLES), "what a megabyte, a message, a call and an idle call cost"
        said = comparison(result)
    (docs / f"{name}.svg").write_text(picture)
    replace(root, name, f"{said}\n\n{origin(result)}\n\n![{alt}](apps/server/docs/{name}.svg)")


def replace(root, name, section):
    readme = root / "README.md"
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    old = readme.read_text()
    new, count = re.subn(re.escape(begin) + ".*?" + re.escape(end), lambda _: f"{begin}\n{section}\n{end}", old, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"compare: README.md has no {begin} … {end}")
    readme.write_text(new)
