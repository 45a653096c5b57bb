"""agw-load as its users run it: each scenario for a second or two, its exit status and its JSON; and that it fails when the gateway refuses."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

LOAD, SERVER = sys.argv[1:3]
# What a failed run leaves for its user, configuration and log of the gateway, goes with the test.
FOLDER = tempfile.TemporaryDirectory()
os.environ["TMPDIR"] = FOLDER.name


def load(*words, start=True, timeout=120):
    command = [LOAD, *words, *(["--start", SERVER] if start else []), "--quiet", "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    try:
        report = json.loads(done.stdout) if done.stdout else None
    except json.JSONDecodeError as e:
        raise AssertionError(f"no JSON: {e}: {done.stdout[:500]}")
    return done.returncode, report, done.stderr


class Scenarios(unittest.TestCase):
    def good(self, *words):
        code, report, said = load(*words)
        self.assertEqual(code, 0, f"{words}: {said} {report and report['faults']}")
        self.assertTrue(report["ok"])
        self.assertEqual(report["faults"], [])
        total = report["total"]
        self.assertEqual(total["calls_failed"], 0)
        self.assertEqual(total["calls_up"], total["calls_begun"])
        self.assertEqual(total["calls_ended"], total["calls_begun"])
        for way in ("up", "down"):
            self.assertEqual(total[way]["octets_sent"], total[way]["octets_received"], way)
            self.assertEqual(total[way]["misplaced"], 0, way)
        self.assertGreater(report["gateway"]["end"]["rss_bytes"], 1 << 20)
        self.assertEqual(report["h248"]["unreleased"], 0)
        return report

    def test_idle(self):
        report = self.good("idle", "--sessions", "20", "--duration", "2s")
        self.assertEqual(report["total"]["calls_up"], 20)
        self.assertEqual(report["set_up"]["setup"]["count"], 20)
        for stage in ("h248", "ice", "dtls", "sctp", "channel", "tcp"):
            self.assertEqual(report["set_up"]["stages"][stage]["count"], 20, stage)
        self.assertIn("rss_kb_per_call", report["cost"])

    def test_setup(self):
        report = self.good("setup", "--sessions", "4", "--calls", "40")
        self.assertEqual(report["total"]["calls_up"], 40)
        self.assertEqual(report["latency"]["setup"]["count"], 40)
        self.assertGreater(report["rates"]["calls_per_s"], 1)

    def test_setup_at_a_rate(self):
        report = self.good("setup", "--rate", "10", "--duration", "2s")
        self.assertEqual(report["total"]["calls_up"], 20)

    def test_shared_port(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
            config.write("[ports]\nshared = true\n")
            config.flush()
            report = self.good("messages", "--sessions", "40", "--rate", "400", "--duration", "2s", "--config", config.name)
            self.assertEqual(report["total"]["calls_up"], 40)
            report = self.good("churn", "--sessions", "10", "--rate", "20", "--duration", "2s", "--config", config.name)
            self.assertGreater(report["total"]["calls_up"], 30)
            self.good("bulk-down", "--sessions", "2", "--duration", "1s", "--config", config.name)

    def test_bulk_up(self):
        report = self.good("bulk-up", "--sessions", "2", "--duration", "1s")
        self.assertGreater(report["measured"]["up"]["octets_received"], 1 << 20)
        self.assertEqual(report["measured"]["down"]["octets_sent"], 0)

    def test_bulk_down(self):
        report = self.good("bulk-down", "--sessions", "2", "--duration", "1s", "--dcep")
        self.assertGreater(report["measured"]["down"]["octets_received"], 1 << 20)

    def test_messages(self):
        report = self.good("messages", "--sessions", "5", "--rate", "200", "--duration", "2s", "--size", "100")
        measured = report["measured"]
        self.assertEqual(measured["up"]["messages_received"] + measured["down"]["messages_received"], 400)
        self.assertEqual(report["latency"]["up"]["count"] + report["latency"]["down"]["count"], 400)
        self.assertEqual(measured["up"]["octets_received"], 100 * measured["up"]["messages_received"])

    def test_messages_with_a_round_trip(self):
        report = self.good("messages", "--sessions", "2", "--rate", "40", "--duration", "1s", "--rtt", "60ms")
        for way in ("up", "down"):
            self.assertGreaterEqual(report["latency"][way]["min_ms"], 30, way)

    def test_churn(self):
        report = self.good("churn", "--sessions", "10", "--rate", "20", "--duration", "2s")
        self.assertEqual(report["total"]["calls_up"], 40)

    def test_sweep(self):
        code, report, said = load("sweep", "messages", "--sessions", "2", "--rate", "50", "--duration", "500ms", "--precision", "0.5", "--p99", "20")
        self.assertEqual(code, 0, said)
        self.assertGreaterEqual(report["knee"], 1)
        self.assertTrue(any(s["good"] for s in report["steps"]))
        self.assertFalse(report["steps"][-1]["good"] and report["steps"][0]["good"] and len(report["steps"]) == 1)


class Failures(unittest.TestCase):
    def test_a_gateway_that_refuses_is_a_failure(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
            config.write("[limits]\ncontexts = 3\noverload_percent = 100\n")
            config.flush()
            code, report, said = load("idle", "--sessions", "8", "--duration", "1s", "--config", config.name)
        self.assertEqual(code, 1, said)
        self.assertFalse(report["ok"])
        self.assertEqual(report["total"]["calls_failed"], 5)
        self.assertEqual(report["total"]["calls_up"], 3)
        self.assertEqual(report["causes"], {"h248:412": 5})
        self.assertIn("h248:412", report["faults"][0])

    def test_a_gateway_that_never_comes_is_named(self):
        code, report, said = load("idle", "--patience", "200ms", "--h248", "127.0.0.1:0", start=False)
        self.assertEqual(code, 2)
        self.assertIn("no gateway has registered", said)

    def test_a_program_that_is_none_is_named(self):
        done = subprocess.run([LOAD, "idle", "--start", "/nowhere/agw-server", "--patience", "2s", "--quiet"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot be executed", done.stderr)

    def standing(self, calls, *words):
        """A run whose calls stand, by its progress line; and the file for its JSON."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        report = os.path.join(folder.name, "report.json")
        run = subprocess.Popen([LOAD, *words, "--sessions", str(calls), "--start", SERVER, "--json", report], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        for line in run.stderr:
            if f"calls {calls} " in line:
                return run, report
        self.fail("the calls never stood")

    def test_a_gateway_that_dies_in_the_midst_is_a_failure(self):
        run, report = self.standing(3, "messages", "--rate", "50", "--duration", "60s")
        with open(f"/proc/{run.pid}/task/{run.pid}/children") as children:
            os.kill(int(children.read().split()[0]), signal.SIGKILL)
        _, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 1, said)
        with open(report) as text:
            self.assertFalse(json.load(text)["ok"])

    def test_an_interrupt_ends_the_run_and_says_so(self):
        run, report = self.standing(3, "idle", "--duration", "60s")
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 1, said)
        with open(report) as text:
            seen = json.load(text)
        self.assertEqual(seen["faults"], ["ended early: SIGINT"])
        self.assertEqual(seen["total"]["calls_ended"], 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
