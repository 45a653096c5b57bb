"""The systems that are compared: how each is started, what it is, and what it cannot do."""
import contextlib
import json
import pathlib
import shutil
import subprocess
import threading

import measures
from gateway_double import GatewayDouble

HERE = pathlib.Path(__file__).resolve().parent
MODULES = HERE.parents[1] / "interop" / "node_modules"
GO_PACKAGE = pathlib.Path("/usr/share/gocode/src/github.com/pion/webrtc")
DEBIAN_PYTHON = "/usr/bin/python3"  # others have no Debian modules


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def debian_version(package):
    return said("dpkg-query", "-W", "-f=${Version}", package)


class Process:
    """One that waits for a line before it becomes what it is to be, so that its pid is known early. Ends with us, by its pid."""

    def __init__(self, command, log, answers=False):
        self.log = open(log, "wb")
        self.child = subprocess.Popen(["/bin/sh", "-c", 'read -r _ && exec "$@"', "sh", *map(str, command)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE if answers else self.log, stderr=self.log, text=True, bufsize=1)
        self.pid = self.child.pid

    def go(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout, self.log):
            with contextlib.suppress(BrokenPipeError):
                if stream:
                    stream.close()


class System:
    """Between start() and stop() it serves the controller at `mgc`; `place` has the addresses, `folder` is for what it writes."""

    name = title = ""
    answers = False  # on its standard output

    def __init__(self, bin_folder):
        self.bin = pathlib.Path(bin_folder)

    def missing(self):
        """What is not there, and how to get it; or nothing."""

    def version(self):
        return ""

    def measure(self, one, load_program, place, seconds):
        """The figures, what went wrong, and all that agw-load says."""
        try:
            report = measures.load(self, load_program, [one.scenario, *one.words], place, seconds)
        except (OSError, RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
            report = {"faults": [str(error)]}
        figures = measures.figures_of(report) if "rates" in report else {}
        report.pop("seconds", None)
        return {key: figures[key] for key in one.figures if figures.get(key) is not None}, report["faults"], report

    def prepare(self, folder, place, mgc):
        self.folder, self.place, self.mgc = pathlib.Path(folder), place, mgc
        self.process = Process(self.command(), self.folder / f"{self.name}.log", self.answers)

    def start(self):
        self.process.go()

    def stop(self):
        self.process.stop()

    def trouble(self):
        return None


class Agw(System):
    name, title = "agw", "agw"

    def missing(self):
        if not (self.bin / "agw-server").exists():
            return f"{self.bin}/agw-server: build it"

    def version(self):
        return said(self.bin / "agw-server", "--version")

    def command(self):
        config = self.folder / "agw-server.toml"
        config.write_text(f'[h248]\nlisten = "{self.place.control}:0"\nmgc = ["{self.mgc[0]}:{self.mgc[1]}"]\nmaximum_waiting_delay = "0ms"\n'
                          '[http]\nlisten = "127.0.0.1:0"\n[limits]\ncontexts = 4000\noverload_percent = 100\n[tcp]\nsource_ports = "ports"\n'
                          '[log]\nlevel = "warn"\n')
        return [self.bin / "agw-server", "--config", config, "--access", self.place.gateway, "--core", self.place.core, "--ports", "10000-32000"]


class OptimisedAgw(Agw):
    """With Debian's libusrsctp compiled anew, as the bridges' SCTP is compiled: Debian's own package is compiled without optimisation."""

    name, title = "agw-o2", "agw, usrsctp -O2"

    def library(self):
        return self.bin.parent / "usrsctp"

    def missing(self):
        if not self.library().is_dir():
            return f"{self.library()}: cmake/optimised-usrsctp {self.library()}"
        return super().missing()

    def version(self):
        return "by cmake/optimised-usrsctp"

    def command(self):
        return ["env", f"LD_LIBRARY_PATH={self.library()}", *super().command()]


class Bridge(System):
    """Gets its orders from a double of a gateway."""

    answers = True

    def start(self):
        super().start()
        self.waiting = {}
        if not self.process.child.stdout.readline():
            raise RuntimeError(f"{self.title} has ended: {(self.folder / f'{self.name}.log').read_text()[-1000:]}")
        threading.Thread(target=self.listen, args=(self.process.child.stdout,), daemon=True).start()
        self.double = GatewayDouble(self, self.place, self.mgc)
        self.double.register()

    def stop(self):
        if hasattr(self, "double"):
            self.double.close()
        super().stop()

    def trouble(self):
        return self.double.trouble if hasattr(self, "double") else None

    def listen(self, answers):
        for line in answers:
            if not line.startswith("{"):  # Pion's log goes to its standard output
                with contextlib.suppress(ValueError):  # we are ending
                    self.process.log.write(line.encode())
                continue
            answer = json.loads(line)
            if done := self.waiting.pop(answer["call"], None):
                done(answer["sdp"])

    def order(self, **words):
        self.process.child.stdin.write(json.dumps(words) + "\n")

    def begin(self, call, offer, core, done):
        self.waiting[call] = done
        self.order(call=call, sdp=offer, core=core)

    def end(self, call):
        self.order(call=call)


class Pion(Bridge):
    name, title = "pion", "Pion"

    def missing(self):
        if not (self.bin / "pion-bridge").exists():
            return f"{self.bin}/pion-bridge: build the target pion-bridge; it needs golang-go and golang-github-pion-webrtc.v3-dev"

    def version(self):
        return debian_version("golang-github-pion-webrtc.v3-dev")

    def command(self):
        return [self.bin / "pion-bridge", "-local", self.place.gateway]


class Libdatachannel(Bridge):
    name, title = "libdatachannel", "libdatachannel"

    def missing(self):
        if not shutil.which("node") or not (MODULES / "node-datachannel").exists():
            return "node-datachannel: cmake/install-packages test"

    def version(self):
        return "node-datachannel " + json.loads((MODULES / "node-datachannel" / "package.json").read_text())["version"]

    def command(self):
        return ["node", HERE / "libdatachannel_bridge.mjs", self.place.gateway]


class Aiortc(Bridge):
    name, title = "aiortc", "aiortc"

    def missing(self):
        if not debian_version("python3-aiortc"):
            return "python3-aiortc: cmake/install-packages test"

    def version(self):
        return debian_version("python3-aiortc")

    def command(self):
        return [DEBIAN_PYTHON, HERE / "aiortc_bridge.py", self.place.gateway]
