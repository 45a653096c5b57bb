#!/usr/bin/python3
"""H.248 over the SCTP of a kernel. Machines that test agw need not have it, so a user-mode kernel with SCTP is started, which runs the link's
unit tests, and a call of Pion's under agw-controller and agw-server; what it captured is read by tshark and agw-h248.

usage: run.py BIN      the folder with the programs
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = '/usr/lib/uml'  # of Debian's package user-mode-linux
BIN = None


def run_kernel(results):
    modules = os.path.join(results, 'modules')
    os.mkdir(modules)
    os.symlink(MODULES, os.path.join(modules, 'lib'))
    arguments = ['linux.uml', 'mem=512M', 'root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro', f'init={HERE}/init',
                 'con=null', 'con0=fd:0,fd:1', 'quiet', f'AGW_BIN={BIN}', f'AGW_MODULES={modules}', f'AGW_RESULTS={results}']
    # The shim for large register states; see there.
    shim = os.path.join(results, 'xstate.so')
    subprocess.run(['gcc', '-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', shim, os.path.join(HERE, 'xstate.c')], check=True)
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                          env={'PATH': os.environ['PATH'], 'TMPDIR': results, 'HOME': results, 'LD_PRELOAD': shim})
    return done.stdout.decode(errors='replace')


class KernelSctp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='agw-kernel-')
        cls.addClassCleanup(folder.cleanup)
        cls.results = folder.name
        cls.console = run_kernel(cls.results)
        cls.log = f'{cls.console}\n{cls.read("log")}'

    @classmethod
    def read(cls, name):
        path = pathlib.Path(cls.results, name)
        return path.read_text(errors='replace') if path.exists() else f'{name} is missing'

    def test_unit_tests_of_the_link(self):
        text = self.read('unit')
        self.assertEqual(self.read('unit.exit').strip(), '0', f'{self.log}\n{text}')
        self.assertRegex(text, r'All tests passed \(\d+ assertions in [4-9]\d* test cases\)')

    def test_call(self):
        self.assertIn('registered with sctp:127.0.0.1:2944, version 3', self.read('server'), self.log)
        lines = self.read('wic').strip().split('\n')
        report = json.loads(lines[-1])
        self.assertEqual(report['failed'], 0, self.read('wic'))
        self.assertEqual(report['causes'], {'requested': 1})
        for program in ['server', 'controller']:
            self.assertEqual(self.read(f'{program}.exit').strip(), '0', self.read(program))

    def test_capture(self):
        capture = os.path.join(self.results, 'all.pcapng')
        fields = subprocess.run(['tshark', '-r', capture, '-Y', 'sctp.chunk_type == 0 && sctp.port == 2944', '-T', 'fields', '-e',
                                 'sctp.data_payload_proto_id', '-e', '_ws.malformed'], capture_output=True, text=True, check=True).stdout
        rows = [row.split('\t') for row in fields.strip('\n').split('\n')]
        self.assertGreater(len(rows), 8, fields)
        for identifiers, malformed in rows:
            self.assertEqual(set(identifiers.split(',')), {'7'})
            self.assertEqual(malformed, '')
        ladder = subprocess.run([os.path.join(BIN, 'agw-h248'), '--pcap', capture], capture_output=True, text=True, check=True).stdout
        for command in ['ServiceChange', 'Add', 'Notify', 'Subtract']:
            self.assertIn(command, ladder)
        self.assertFalse(re.search(r'error|unanswered', ladder), ladder)


if __name__ == '__main__':
    BIN = os.path.abspath(sys.argv.pop(1))
    unittest.main()
