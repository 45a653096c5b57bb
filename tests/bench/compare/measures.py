"""What is measured of each system, always by agw-load."""
import contextlib
import json
import pathlib
import socket
import subprocess
import tempfile
import time

# What one measure yields: key, its name in tables, unit, and whether more of it is better.
FIGURES = {
    "rate": ("MB/s", True), "messages": ("messages/s", True), "cpu_mb": ("ms CPU/MB", False), "cpu_message": ("µs CPU/message", False),
    "calls": ("calls/s", True), "setup": ("ms", False), "cpu_call": ("ms CPU/call", False), "memory": ("KB/call", False),
    "median": ("ms", False), "p99": ("ms", False)}

BULK = ("rate", "cpu_mb")
SMALL = ("messages", "cpu_message")
FOUR = ("--sessions", "4", "--buffer", "1048576")  # more than a path without delay needs; slow systems have less to catch up with


class Measure:
    def __init__(self, key, title, scenario, figures, *words):
        self.key, self.title, self.scenario, self.figures, self.words = key, title, scenario, figures, words


MEASURES = [
    Measure("up-16k", "16 KiB to the core", "bulk-up", BULK, "--size", "16384", *FOUR),
    Measure("down-16k", "16 KiB to the WIC", "bulk-down", BULK, "--size", "16384", *FOUR),
    Measure("up-1000", "1 000 B to the core", "bulk-up", BULK, "--size", "1000", *FOUR),
    Measure("down-1000", "1 000 B to the WIC", "bulk-down", BULK, "--size", "1000", *FOUR),
    Measure("up-200", "200 B to the core", "bulk-up", SMALL, "--size", "200", *FOUR),
    Measure("down-200", "200 B to the WIC", "bulk-down", SMALL, "--size", "200", *FOUR),
    Measure("setup", "set-up, one call after the other", "setup", ("setup",), "--sessions", "1"),
    Measure("calls", "calls that come and go, 16 at a time", "setup", ("calls", "cpu_call"), "--sessions", "16"),
    Measure("idle", "an idle call", "idle", ("memory",), "--sessions", "200"),
    Measure("message", "a message there and back", "messages", ("median", "p99"), "--sessions", "10", "--rate", "200", "--size", "200"),
]


def figures_of(report):
    """The figures of any scenario, of which the measure takes its own."""
    rates, cost, latency = report["rates"], report["cost"], report["latency"]
    out = {
        "rate": (rates["up_mbit_per_s"] + rates["down_mbit_per_s"]) / 8,
        "messages": rates["up_messages_per_s"] + rates["down_messages_per_s"],
        "cpu_mb": cost.get("cpu_ms_per_mb"), "cpu_message": cost.get("cpu_us_per_message"), "cpu_call": cost.get("cpu_ms_per_call"),
        "calls": rates["calls_per_s"], "setup": latency["setup"].get("p50_ms"), "memory": cost.get("rss_kb_per_call")}
    for name, quantile in (("median", "p50_ms"), ("p99", "p99_ms")):
        ways = [latency[way].get(quantile) for way in ("up", "down")]
        out[name] = None if None in ways else sum(ways)
    return out


def free_port(host):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((host, 0))
        return one.getsockname()[1]


def wait_until_bound(process, host, port, seconds=15):
    """Until the process's namespace has a UDP socket there."""
    entry = "%08X:%04X" % (int.from_bytes(socket.inet_aton(host), "little"), port)
    for _ in range(seconds * 50):
        if process.poll() is not None:
            raise RuntimeError(f"the client has ended: {process.stderr.read()[-1000:]}")
        if entry in pathlib.Path(f"/proc/{process.pid}/net/udp").read_text():
            return
        time.sleep(0.02)
    raise RuntimeError("the client does not listen")


def beside(system, command_of, place, limit):
    """What a client says in JSON about one fresh process of the system, for which it is the controller. `command_of(mgc)`; a command without output is a
    fault."""
    mgc = (place.mgc, free_port("0.0.0.0"))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as clean_up:
        system.prepare(folder, place, mgc)
        clean_up.callback(system.stop)
        command = command_of(mgc)
        client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            wait_until_bound(client, *mgc)
            system.start()
            out, errors = client.communicate(timeout=limit)
        finally:
            if client.poll() is None:
                client.kill()
                client.communicate()
        report = json.loads(out) if out else {"faults": [errors.strip()[-500:] or "the client said nothing"]}
        if trouble := system.trouble():
            report["faults"].append(trouble)
        report["command"] = " ".join(command)
        return report


def load(system, load_program, words, place, seconds):
    """agw-load's report. `place`: addresses, and what runs agw-load where it is to be."""
    def command(mgc):
        return [*place.prefix, str(load_program), *words, "--duration", f"{seconds}s", "--h248", f"{mgc[0]}:{mgc[1]}", "--server-pid",
                str(system.process.pid), "--access", place.wic, "--core", place.peer, "--sctp-port", "5000", "--quiet", "--json", "-"]

    return beside(system, command, place, 90 + 4 * seconds)
