"""The unit of the installed package, and a process that runs as systemd would run it: its command, its user, no capability, a notification socket."""
import os
import re
import shlex
import socket
import subprocess
import sys
import time


class Unit:
    def __init__(self, text):
        self.text = text
        self.values = dict(re.findall(r'^(\w+)=(.*)$', text, re.M))

    def __getitem__(self, key):
        return self.values[key]


class Service:
    """In a network namespace of its own, so that the configuration as shipped finds its ports free."""

    def __init__(self, root, unit, more=()):
        self.root = root
        self.notifications = ''
        at = root.file('/run/agw-notify')
        at.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(at))
        os.chmod(at, 0o777)
        self.socket.setblocking(False)
        user, group = unit['User'], unit['Group']
        inside = ['chroot', str(root.path), 'setpriv', f'--reuid={user}', f'--regid={group}', '--clear-groups', '--no-new-privs', '--bounding-set=-all',
                  '--inh-caps=-all', *shlex.split(unit['ExecStart']), *more]
        self.log_file = open(root.file('/run/agw-log'), 'w+')
        self.process = subprocess.Popen(['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', *inside], stdout=self.log_file, stderr=self.log_file,
                                        env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'NOTIFY_SOCKET': '/run/agw-notify', 'WATCHDOG_USEC': '4000000'})

    def log(self):
        return self.root.file('/run/agw-log').read_text(errors='replace')

    def notified(self, word, seconds=20):
        """Waits until systemd would have been told `word`."""
        return self.until(lambda: re.search(rf'^{word}$', self.heard(), re.M), seconds)

    def heard(self):
        try:
            while True:
                self.notifications += self.socket.recv(4096).decode() + '\n'
        except BlockingIOError:
            return self.notifications

    def says(self, pattern, seconds=20):
        return self.until(lambda: re.search(pattern, self.log()), seconds)

    def until(self, condition, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f'not in {seconds} s; exit status {self.process.poll()}, notified {self.notifications!r}, log:\n{self.log()}')

    def get(self, path):
        """Status and body of its HTTP, asked in its namespace."""
        ask = ('import sys, urllib.request\ntry: r = urllib.request.urlopen(sys.argv[1], timeout=5)\nexcept urllib.error.HTTPError as e: r = e\n'
               'print(r.status, r.read().decode())')
        done = subprocess.run(['nsenter', f'--net=/proc/{self.process.pid}/ns/net', sys.executable, '-c', ask, f'http://127.0.0.1:9290{path}'], capture_output=True, text=True)
        status, _, body = done.stdout.partition(' ')
        return int(status or 0), body or done.stderr

    def end(self):
        """Its exit status. Can be repeated."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self.socket.fileno() != -1:
                self.heard()
                self.socket.close()
                self.log_file.close()
