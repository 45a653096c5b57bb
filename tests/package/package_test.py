"""agw-server's package in a fresh Debian: installed, started as the unit says, upgraded, removed, purged; the unit and its sandbox.

usage: unshare --mount package_test.py SOURCE BUILD      as root; BUILD holds the release build
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import machine
from fresh_root import FreshRoot, run
from service import Service, Unit

SOURCE = BUILD = None
EXPOSURE = 15  # systemd-analyze's figure, times ten
PROGRAM = '/usr/sbin/agw-server'
UNIT = '/usr/lib/systemd/system/agw-server.service'
CONFIGURATION = '/etc/agw/agw-server.toml'


def pending():
    """What comes with a branch that is not merged yet; see interop.monitoring."""
    file = SOURCE / 'tests/interop/server/monitoring.pending'
    return file.read_text().split() if file.exists() else []


def altered(package, version, folder):
    """The package again, as a later version with another configuration."""
    tree = folder / version
    run('dpkg-deb', '-R', package, tree)
    control = tree / 'DEBIAN/control'
    control.write_text(re.sub(r'^Version: .*$', f'Version: {version}', control.read_text(), flags=re.M))
    toml = tree / CONFIGURATION.lstrip('/')
    toml.write_text(toml.read_text() + f'# as shipped with {version}\n')
    (tree / 'DEBIAN/md5sums').unlink()
    made = folder / f'agw-server_{version}.deb'
    run('dpkg-deb', '-Zgzip', '-z1', '--root-owner-group', '-b', tree, made)
    return made


class Package(unittest.TestCase):
    """Its tests are steps of one story, in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cache = BUILD / 'fresh-root'
        shutil.rmtree(cache / 'packages', ignore_errors=True)
        run('cpack', '--config', BUILD / 'CPackConfig.cmake', '-D', 'CPACK_DEBIAN_COMPRESSION_TYPE=gzip', '-B', cache / 'packages')
        cls.root = FreshRoot(cache)
        cls.folder = cls.root.file('/packages')
        cls.folder.mkdir()
        for kind in ['server', 'tools']:
            [made] = (cache / 'packages').glob(f'agw-{kind}_*.deb')
            shutil.copy(made, cls.folder / f'agw-{kind}.deb')
        cls.later = [altered(cls.folder / 'agw-server.deb', version, cls.folder) for version in ['7.0-1', '8.0-1']]

    def unit(self):
        return Unit(self.root.file(UNIT).read_text())

    def configuration(self):
        return self.root.file(CONFIGURATION).read_text()

    def upgrade(self, package):
        self.root.chroot('apt-get', '-qq', '-y', '-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold', 'install', f'/packages/{package.name}')

    def starts_and_ends(self):
        service = Service(self.root, self.unit())
        self.addCleanup(service.end)
        service.says('agw-server .*HTTP on ')
        status, body = service.get('/healthz')
        self.assertEqual(status, 200, body)
        with open(f'/proc/{service.process.pid}/status') as file:
            state = dict(re.findall(r'^(\w+):\t(.*)$', file.read(), re.M))
        self.assertEqual(int(state['CapEff'], 16) | int(state['CapBnd'], 16), 0)
        self.assertNotEqual(state['Uid'].split()[0], '0')
        if 'sd_notify' not in pending():
            service.notified('READY=1')
            service.notified('WATCHDOG=1')
        # ExecReload.
        self.assertEqual(self.unit()['ExecReload'], '/bin/kill -HUP $MAINPID')
        service.process.send_signal(1)
        if 'sd_notify' not in pending():
            service.until(lambda: re.search(r'^RELOADING=1$[\s\S]*^READY=1$', service.heard(), re.M), 20)
        self.assertEqual(service.get('/healthz')[0], 200)
        self.assertEqual(service.end(), 0, service.log())
        if 'sd_notify' not in pending():
            self.assertIn('STOPPING=1', service.notifications)

    def test_1_installs_with_its_dependencies(self):
        self.root.chroot('apt-get', '-qq', '-y', 'install', '/packages/agw-server.deb')
        self.assertEqual(self.root.chroot('dpkg', '--verify', 'agw-server'), '')
        self.assertRegex(self.root.chroot('dpkg-query', '-W', '-f', '${Depends}', 'agw-server'), r'libc6 \(>= 2\..*libssl3')
        self.assertRegex(self.root.chroot('getent', 'passwd', 'agw'), r'^agw:x:[1-9]\d{0,2}:.*nologin$')
        self.assertEqual(self.root.chroot('stat', '-c', '%U:%G %a', '/etc/agw'), 'root:agw 750\n')
        self.assertIn(' --config /etc/agw/%i.toml\n', self.root.file(UNIT.replace('.service', '@.service')).read_text())
        self.assertEqual(self.configuration(), (SOURCE / 'apps/server/agw-server.toml').read_text())
        # Not before it is configured.
        self.assertEqual(self.root.named('*.wants'), [path for path in self.root.named('*.wants') if not list(self.root.file(path).glob('agw*'))])

    def test_2_starts_as_the_unit_says(self):
        self.starts_and_ends()

    def test_2_a_wrong_configuration_ends_it_with_the_status_that_is_not_started_again(self):
        service = Service(self.root, self.unit(), ['--ports', '5-4'])
        self.addCleanup(service.end)
        self.assertEqual(service.process.wait(20), 2, service.log())
        self.assertEqual(self.unit()['RestartPreventExitStatus'], '2')

    def test_3_unit_is_accepted(self):
        for name in ['agw-server.service', 'agw-server@b.service']:
            self.assertNotIn('agw-server', run('systemd-analyze', 'verify', '--man=no', f'--root={self.root.path}', name))

    def test_3_sandbox(self):
        text = run('systemd-analyze', 'security', '--offline=true', f'--threshold={EXPOSURE}', f'--root={self.root.path}', '--no-pager', 'agw-server.service')
        print('\n' + text.strip().splitlines()[-1], file=sys.stderr)
        weaker = self.root.file('/run/weaker.service')
        weaker.write_text(self.unit().text.replace('CapabilityBoundingSet=', '#').replace('ProtectSystem=', '#'))
        with self.assertRaises(AssertionError):
            run('systemd-analyze', 'security', '--offline=true', f'--threshold={EXPOSURE}', weaker)

    def test_3_under_systemd(self):
        """The whole sandbox, in a user-mode kernel: nothing that agw-server does is forbidden."""
        self.addCleanup(self.root.file(CONFIGURATION).write_text, self.configuration())
        self.addCleanup(machine.clean, self.root.path)
        seen, said = machine.under_systemd(self.root.path, '[Service]\nType=exec\nWatchdogSec=0\n' if 'sd_notify' in pending() else '')
        self.assertRegex(seen.pop('health', ''), r'"status":"ok"', said)
        self.assertEqual(seen, {'start': '0', 'capabilities': '0' * 32, 'user': 'agw', 'seccomp': '2', 'descriptors': '524288', 'entry': '1', 'reload': '0', 'restarts': '1',
                                'active': 'active', 'result': 'success', 'status': '2', 'restarts_of_a_wrong_configuration': '0', 'end': 'yes'}, said)

    def test_4_an_upgrade_brings_the_new_configuration_where_the_old_one_was_not_changed(self):
        self.upgrade(self.later[0])
        self.assertTrue(self.configuration().endswith('# as shipped with 7.0-1\n'))

    def test_5_an_upgrade_keeps_a_configuration_that_was_changed(self):
        changed = self.configuration().replace('level = "info"', 'level = "debug"')
        self.assertNotEqual(changed, self.configuration())
        self.root.file(CONFIGURATION).write_text(changed)
        self.upgrade(self.later[1])
        self.assertIn('8.0-1', self.root.chroot('dpkg-query', '-W', 'agw-server'))
        self.assertEqual(self.configuration(), changed)
        self.assertIn('# as shipped with 8.0-1', self.root.file(CONFIGURATION + '.dpkg-dist').read_text())
        self.assertEqual(self.root.chroot('stat', '-c', '%U:%G %a', '/etc/agw'), 'root:agw 750\n')
        self.starts_and_ends()

    def test_6_tools(self):
        self.root.chroot('apt-get', '-qq', '-y', 'install', '/packages/agw-tools.deb')
        self.assertIn('the default configuration: ok', self.root.chroot('agw-controller', '--check-config'))
        self.assertIn('check', self.root.chroot('agw-h248', '--help'))
        self.root.chroot('apt-get', '-qq', '-y', 'purge', 'agw-tools')

    def test_7_removal_keeps_the_configuration(self):
        self.root.chroot('apt-get', '-qq', '-y', 'remove', 'agw-server')
        self.assertFalse(self.root.file(PROGRAM).exists())
        self.assertFalse(self.root.file(UNIT).exists())
        self.assertIn('level = "debug"', self.configuration())

    def test_8_purge_leaves_nothing(self):
        self.root.file('/run/weaker.service').unlink(missing_ok=True)
        for file in ['/run/agw-log', '/run/agw-notify']:
            self.root.file(file).unlink(missing_ok=True)
        self.root.chroot('apt-get', '-qq', '-y', 'purge', 'agw-server')
        self.assertEqual(self.root.named('*agw*'), [])
        for file in ['passwd', 'group', 'shadow', 'gshadow']:
            self.assertNotIn('agw', self.root.file(f'/etc/{file}').read_text())
        self.assertNotIn('agw', self.root.chroot('dpkg-query', '-W'))

    def test_9_what_the_operator_laid_beside_the_configuration_stays(self):
        self.root.chroot('apt-get', '-qq', '-y', 'install', '/packages/agw-server.deb')
        self.root.file('/etc/agw/key.pem').write_text('a key')
        self.root.chroot('chgrp', 'agw', '/etc/agw/key.pem')
        self.root.chroot('apt-get', '-qq', '-y', 'purge', 'agw-server')
        self.assertEqual(self.root.chroot('stat', '-c', '%G', '/etc/agw/key.pem'), 'agw\n')
        self.assertFalse(self.root.file(CONFIGURATION).exists())


class Places(unittest.TestCase):
    """cmake --install without a package."""

    def install(self, prefix):
        folder = BUILD / 'fresh-root/places'
        run('cmake', '--install', BUILD, '--component', 'server', '--prefix', prefix, env={**os.environ, 'DESTDIR': str(folder)})
        return folder

    def setUp(self):
        shutil.rmtree(BUILD / 'fresh-root/places', ignore_errors=True)

    def test_usr_local(self):
        at = self.install('/usr/local')
        unit = Unit((at / 'usr/local/lib/systemd/system/agw-server.service').read_text())
        self.assertEqual(unit['ExecStart'], '/usr/local/sbin/agw-server --config /usr/local/etc/agw/agw-server.toml')
        for file in ['sbin/agw-server', 'etc/agw/agw-server.toml', 'share/man/man8/agw-server.8.gz', 'share/bash-completion/completions/agw-server',
                     'lib/sysusers.d/agw-server.conf', 'share/agw-server/prometheus/agw.rules.yml', 'share/agw-server/grafana/agw.json', 'share/doc/agw-server/README.md']:
            self.assertTrue((at / 'usr/local' / file).is_file(), file)
        self.assertFalse((at / 'usr/local/sbin/agw-controller').exists())

    def test_opt(self):
        at = self.install('/opt/agw')
        unit = Unit((at / 'opt/agw/lib/systemd/system/agw-server.service').read_text())
        self.assertEqual(unit['ExecStart'], '/opt/agw/sbin/agw-server --config /etc/opt/agw/agw-server.toml')
        configuration = at / 'etc/opt/agw/agw-server.toml'
        configuration.write_text('# ours\n')
        self.install('/opt/agw')
        self.assertEqual(configuration.read_text(), '# ours\n')


if __name__ == '__main__':
    if os.geteuid() != 0:
        sys.exit('package_test.py: needs root')
    SOURCE, BUILD = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(2))
    unittest.main(verbosity=2)
