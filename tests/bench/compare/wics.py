"""WICs of other makes, each in one call through agw-server; wic_run.mjs is their controller and core peer."""
import json
import os
import shutil
import subprocess
from types import SimpleNamespace

import measures
import systems

OWN_WINDOW = 1 << 20  # of an association of agw's


class Wic:
    """`window`: the octets that it lets a sender have under way, by its a_rwnd; a round trip brings no more."""

    name = title = ""
    window = 0

    def __init__(self, bin_folder):
        self.bin = bin_folder

    def program(self, prefix, address):
        """Its command, without which wic_run.mjs starts Chromium."""

    def window_of(self, direction):
        return self.window if direction == "down" else OWN_WINDOW

    def measure(self, gateway, direction, place, seconds):
        """Mbit/s in the first seconds, and what went wrong."""
        here = SimpleNamespace(mgc="127.0.0.1", control="127.0.0.1", gateway=place.gateway, core="127.0.0.1")

        def command(mgc):
            settings = {"port": mgc[1], "direction": direction, "ms": 1000 * seconds, "prefix": place.prefix, "program": self.program(place.prefix, place.wic)}
            return ["node", str(systems.HERE / "wic_run.mjs"), json.dumps(settings)]

        try:
            report = measures.beside(gateway, command, here, 90 + seconds)
        except (OSError, RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
            report = {"faults": [str(error)]}
        return 8e-3 * report.get("octets", 0) / report.get("ms", 1), report["faults"]


class Chromium(Wic):
    name, title, window = "chromium", "Chromium", 5 << 20

    def missing(self):
        if not shutil.which(os.environ.get("CHROMIUM", "chromium")) or not (systems.MODULES / "playwright-core").exists():
            return "chromium and playwright-core: cmake/install-packages test"

    def version(self):
        return systems.debian_version("chromium")


class Libdatachannel(Wic):
    name, title, window = "libdatachannel", "libdatachannel", 1 << 20

    def missing(self):
        return systems.Libdatachannel(self.bin).missing()

    def version(self):
        return systems.Libdatachannel(self.bin).version()

    def program(self, prefix, address):
        return [*prefix, "node", str(systems.HERE / "wic_node.mjs"), self.name]


class Pion(Wic):
    name, title, window = "pion", "Pion", 1 << 20

    def missing(self):
        return systems.Pion(self.bin).missing()

    def version(self):
        return systems.Pion(self.bin).version()

    def program(self, prefix, address):
        return [*prefix, str(self.bin / "pion-bridge"), "-wic", "-local", address]


ALL = [Chromium, Libdatachannel, Pion]
