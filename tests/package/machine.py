"""A machine whose disk is a folder: a user-mode kernel of Debian's with the folder's own systemd, for a unit's sandbox cannot be seen without one."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
PROBE = '''[Unit]
DefaultDependencies=no
Requires=basic.target
After=basic.target
[Service]
Type=oneshot
ExecStart=/opt/under_systemd
'''
# What a machine of a minute does without.
MASKED = ['systemd-update-utmp.service', 'systemd-random-seed.service', 'systemd-udevd.service', 'systemd-udev-trigger.service', 'systemd-hwdb-update.service',
          'systemd-timesyncd.service', 'systemd-network-generator.service', 'systemd-journal-flush.service', 'systemd-remount-fs.service', 'ldconfig.service',
          'systemd-sysctl.service', 'systemd-binfmt.service', 'systemd-modules-load.service', 'systemd-pstore.service', 'timers.target', 'dbus.socket',
          'systemd-machine-id-commit.service', 'systemd-firstboot.service', 'systemd-tmpfiles-clean.timer', 'systemd-networkd-wait-online.service']


def boot(arguments, environment):
    """What it said until it was powered off, or after 6 minutes was ended with all its processes."""
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
    try:
        said = process.communicate(timeout=360)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said = process.communicate()[0] + b'\nended after 360 s'
    return said.decode(errors='replace')


def under_systemd(root, drop_in):
    """Boots `root` (a path), with `drop_in` beside agw-server's unit; yields what under_systemd saw, and all that was said."""
    (root / 'opt/under_systemd').write_bytes((HERE / 'under_systemd').read_bytes())
    (root / 'opt/under_systemd').chmod(0o755)
    units = root / 'etc/systemd/system'
    (units / 'probe.service').write_text(PROBE)
    folder = units / 'agw-server.service.d'
    folder.mkdir(exist_ok=True)
    (folder / 'test.conf').write_text(drop_in)
    with tempfile.TemporaryDirectory(prefix='agw-machine-', dir='/dev/shm') as scratch:
        shim = f'{scratch}/xstate.so'
        subprocess.run(['gcc', '-O1', '-shared', '-fPIC', '-o', shim, HERE.parent / 'interop/kernel-sctp/xstate.c'], check=True)
        arguments = ['linux.uml', 'mem=400M', 'root=/dev/root', 'rootfstype=hostfs', f'rootflags={root}', 'rw', 'init=/lib/systemd/systemd', 'con=null', 'con0=fd:0,fd:1',
                     'quiet', 'systemd.unit=probe.service', 'systemd.show_status=0', *(f'systemd.mask={unit}' for unit in MASKED)]
        said = boot(arguments, {'PATH': os.environ['PATH'], 'TMPDIR': scratch, 'HOME': scratch, 'LD_PRELOAD': shim})
    for name in ['seen', 'seen.log', 'journal']:
        path = root / 'opt' / name
        said += f'\n{name}:\n' + (path.read_text(errors='replace') if path.exists() else 'is missing')
    seen = root / 'opt/seen'
    return dict(re.findall(r'^(\w+)=(.*)$', seen.read_text(), re.M) if seen.exists() else []), said


def clean(root):
    """Takes away what under_systemd() laid there."""
    for path in ['opt/under_systemd', 'opt/seen', 'opt/seen.log', 'opt/journal', 'etc/systemd/system/probe.service', 'etc/systemd/system/agw-server.service.d/test.conf']:
        (root / path).unlink(missing_ok=True)
    (root / 'etc/systemd/system/agw-server.service.d').rmdir()
    for left in [*root.glob('tmp/systemd-private-*'), *root.glob('var/tmp/systemd-private-*')]:  # of a machine that was ended
        shutil.rmtree(left)
