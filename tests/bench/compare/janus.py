"""Janus, for the transport part: its echo plugin sends what comes on a data channel back, and nothing of it can go to TCP."""
import json
import pathlib
import subprocess
import tempfile
import time
import urllib.request

import systems

PORT = 8088  # the namespace is ours


class Janus(systems.System):
    name, title = "janus", "Janus"
    scenarios = {"setup": ["setup"], "calls": ["setup"], "idle": ["idle"], "message": ["messages"]}
    cannot = "no TCP"

    def missing(self):
        if not systems.debian_version("janus"):
            return "janus: apt-get install janus"
        return systems.Libdatachannel(self.bin).missing()

    def version(self):
        return systems.debian_version("janus")

    def command(self):
        (self.folder / "janus.jcfg").write_text(
            'general: { plugins_folder = "/usr/lib/x86_64-linux-gnu/janus/plugins", transports_folder = "/usr/lib/x86_64-linux-gnu/janus/transports" }\n'
            'plugins: { disable = "%s" }\ntransports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so" }\n'
            % ",".join(f"libjanus_{p}.so" for p in ("audiobridge", "duktape", "lua", "nosip", "recordplay", "sip", "streaming", "textroom", "videocall", "videoroom", "voicemail")))
        (self.folder / "janus.transport.http.jcfg").write_text(f'general: {{ json = "compact", base_path = "/janus", http = true, port = {PORT}, ip = "127.0.0.1" }}\n')
        return ["janus", "--configs-folder", self.folder, "--interface", self.place.gateway, "--session-timeout", "0", "--debug-level", "3"]

    def measure(self, one, load_program, place, seconds):
        if one.key not in self.scenarios:
            return {}, [], {"cannot": self.cannot}
        with tempfile.TemporaryDirectory() as folder:
            self.prepare(folder, place, None)
            try:
                self.start()
                self.wait_until_up()
                words = dict(zip(one.words[::2], one.words[1::2]))
                command = ["node", str(systems.HERE / "janus_client.mjs"), *self.scenarios[one.key], f"http://127.0.0.1:{PORT}/janus", place.wic,
                           str(self.process.pid), str(seconds), words["--sessions"], words.get("--rate", "1")]
                done = subprocess.run(command, capture_output=True, text=True, timeout=120 + 4 * seconds)
                report = json.loads(done.stdout) if done.stdout else {}
                faults = [] if report else [done.stderr.strip()[-500:] or "its client said nothing"]
                figures = report.get("figures", {})
                return {key: figures[key] for key in one.figures if key in figures}, faults, {"command": " ".join(command), "client": "libdatachannel"}
            except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
                return {}, [str(error)], {}
            finally:
                self.stop()

    def wait_until_up(self):
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/janus/info", timeout=2).read()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("Janus does not come up: " + pathlib.Path(self.folder / "janus.log").read_text()[-500:])
