"""One session to the WIC at several round trips, beside TCP on the same link: agw's own emulator between two namespaces. WIC and core peer are
in the far one; the core and H.248 have a second link of their own, without delay. Of foreign WICs only they themselves are in the far one."""
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import measures
from systems import Agw

ONE_SESSION = measures.Measure("rtt", "16 KiB to the WIC", "bulk-down", ("rate",), "--size", "16384", "--sessions", "1")
SYSTEMS = ("agw", "pion", "libdatachannel")
LINK = "1000,1000,10000,0"
NEAR, FAR = "198.19.0.254", "198.19.0.2"
NEAR_CORE, FAR_CORE = "198.19.1.254", "198.19.1.2"


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL)


class Link:
    def __init__(self, program, rate, queue_kb, packets, loss):
        self.name = f"agwcompare{os.getpid()}"
        ip("netns", "add", self.name)
        far = ["-n", self.name]
        try:
            self.child = subprocess.Popen([program, self.name, "-", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
            if self.child.stdout.readline() != "up\n":
                raise RuntimeError("the link does not come up")
            ip("link", "add", "core0", "type", "veth", "peer", "name", "core0", "netns", self.name)
            ip(*far, "link", "set", "lo", "up")
            for where, device, address in ((far, "link0", FAR), ([], "link0", NEAR), (far, "core0", FAR_CORE), ([], "core0", NEAR_CORE)):
                ip(*where, "address", "add", f"{address}/24", "dev", device)
                ip(*where, "link", "set", device, "mtu", "1500", "txqueuelen", packets, "up")
            self.order(f"rate {rate} {queue_kb}")
            self.order(f"loss {loss}")
        except BaseException:
            self.end()
            raise

    def order(self, words):
        self.child.stdin.write(words + "\n")
        if not (said := self.child.stdout.readline()).startswith("ok"):
            raise RuntimeError(f"the link says {said}")

    @contextlib.contextmanager
    def alone(self):
        """Without the other link, over which a foreign WIC's ICE would find the gateway, too."""
        ip("link", "set", "core0", "down")
        try:
            yield
        finally:
            ip("link", "set", "core0", "up")

    def end(self):
        if hasattr(self, "child"):
            self.child.stdin.close()
            self.child.wait()
        ip("netns", "delete", self.name)


class Busy:
    """How busy the machine's cores are: the share that a quarter of the half seconds exceeds. What is measured, its client and the link share them."""

    def __enter__(self):
        self.shares, self.ended = [], threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        before = self.times()
        while not self.ended.wait(0.5):
            now = self.times()
            self.shares.append(self.share_of(before, now))
            before = now

    @staticmethod
    def times():
        with open("/proc/stat") as stat:
            return [int(word) for word in stat.readline().split()[1:9]]

    @staticmethod
    def share_of(before, now):
        spent = [b - a for a, b in zip(before, now)]
        return 1 - (spent[3] + spent[4]) / max(sum(spent), 1)

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    @property
    def share(self):
        return statistics.quantiles(self.shares, n=4)[2] if len(self.shares) > 1 else 0.0


def busy_now(seconds):
    """The share of the machine's cores that other work takes. The load average remembers what has ended minutes ago."""
    before = Busy.times()
    time.sleep(seconds)
    return Busy.share_of(before, Busy.times())


def tcp(prefix, seconds):
    """Mbit/s of CUBIC from here to the far side."""
    server = subprocess.Popen([*prefix, "iperf3", "-s", "-1", "-B", FAR], stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        done = subprocess.run(["iperf3", "-c", FAR, "-C", "cubic", "-t", str(seconds), "-J"], capture_output=True, text=True, timeout=60 + 2 * seconds)
        return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e6
    finally:
        try:
            server.wait(2)
        except subprocess.TimeoutExpired:
            server.terminate()
            server.wait()


def run(options, found, foreign):
    points = []
    rate, queue_kb, packets, loss = options.link.split(",")

    def note(system, trip, mbit, busy, faults, **of_wic):
        points.append({"system": system, "trip_ms": trip, "mbit": mbit, "busy": round(busy, 3), "faults": faults, **of_wic})
        name = f"{of_wic['wic']} {of_wic['direction']}" if of_wic else system
        print(f"{trip:4} ms  {name:19} {mbit:8.1f} Mbit/s  cores {busy:4.0%} busy  {'; '.join(faults)}", file=sys.stderr, flush=True)

    with contextlib.ExitStack() as clean_up:
        link = Link(options.bin / "agw_test_link", rate, queue_kb, packets, loss)
        clean_up.callback(link.end)
        place = SimpleNamespace(prefix=["ip", "netns", "exec", link.name], mgc=FAR_CORE, control=NEAR_CORE, gateway=NEAR, core=NEAR_CORE,
                                wic=FAR, peer=FAR_CORE)
        seconds = options.seconds
        for trip in map(int, options.trips.split(",")):
            link.order(f"delay {trip / 2}")
            if not options.quick:
                with Busy() as busy:
                    mbit = tcp(place.prefix, round(seconds))
                note("tcp", trip, mbit, busy.share, [])
            for system in found:
                with Busy() as busy:
                    figures, faults, _ = system.measure(ONE_SESSION, options.bin / "agw-load", place, seconds)
                note(system.name, trip, 8 * figures.get("rate", 0), busy.share, faults)
            with link.alone() if foreign else contextlib.nullcontext():
                for wic, direction in itertools.product(foreign, options.directions.split(",")):
                    with Busy() as busy:
                        mbit, faults = wic.measure(Agw(options.bin), direction, place, seconds)
                    note("agw", trip, mbit, busy.share, faults, wic=wic.name, direction=direction, window=wic.window_of(direction))
    said = f"{rate} Mbit/s, a queue of {queue_kb} KB" + (f" behind a device's of {packets} packets" if int(packets) < 10000 else "")
    said += f", {float(loss):.1%} lost" if float(loss) else ""
    return {"link": said, "seconds": seconds, "points": points}
