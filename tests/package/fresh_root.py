"""A minimal Debian of its own, in memory: where a package is installed as on a machine that has never seen agw. Needs root, and a mount
namespace of its own around the process (unshare --mount): what is mounted goes with it.

The base system is made once by debootstrap, from the machine's own package sources, and kept beside the packages that were downloaded.
"""
import glob
import os
import pathlib
import re
import shutil
import subprocess


def run(*command, **more):
    """Its standard output. Fails with all that it said."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace', **more)
    if done.returncode != 0:
        raise AssertionError(f'{command}: exit status {done.returncode}\n{done.stdout}')
    return done.stdout


def mirror():
    """Of the main archive, as the machine's apt has it; one line or deb822."""
    for file in ['/etc/apt/sources.list', *sorted(glob.glob('/etc/apt/sources.list.d/*'))]:
        if os.path.isfile(file) and file.endswith(('.list', '.sources')):
            found = re.search(r'^(?:deb +(?:\[.*?\] *)?|URIs: *)(\w+://\S+/debian/?)(?:\s|$)', pathlib.Path(file).read_text(), re.M)
            if found:
                return found[1]
    raise AssertionError('no mirror of Debian in /etc/apt')


class FreshRoot:
    def __init__(self, cache):
        self.cache = pathlib.Path(cache)
        self.path = self.cache / 'root'
        self.path.mkdir(parents=True, exist_ok=True)
        run('mount', '-t', 'tmpfs', '-o', 'size=2g', 'agw-root', self.path)
        base = self.cache / 'minbase.tar'
        if not base.exists():
            run('debootstrap', '--variant=minbase', 'bookworm', self.path, mirror())
            run('tar', '-C', self.path, '-cf', f'{base}.part', '.')
            os.rename(f'{base}.part', base)
        else:
            run('tar', '-C', self.path, '-xf', base)
        self.use_the_machines_apt()
        archives = self.cache / 'archives'
        archives.mkdir(exist_ok=True)
        for source, place in [('/proc', 'proc'), ('/sys', 'sys'), ('/dev', 'dev'), (archives, 'var/cache/apt/archives')]:
            run('mount', '--rbind', source, self.path / place)
        self.chroot('apt-get', '-qq', 'update')

    def use_the_machines_apt(self):
        """Its sources, keys, proxies and certificates."""
        apt = self.path / 'etc/apt'
        (apt / 'sources.list').unlink(missing_ok=True)
        for file in ['/etc/apt/sources.list', *glob.glob('/etc/apt/sources.list.d/*.list'), *glob.glob('/etc/apt/sources.list.d/*.sources'),
                     *glob.glob('/etc/apt/apt.conf.d/99*'), *glob.glob('/usr/share/keyrings/debian*'), *glob.glob('/etc/ssl/certs/ca-certificates.crt'),
                     '/etc/resolv.conf', '/etc/hosts']:
            if os.path.isfile(file):
                place = self.path / file.lstrip('/')
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, place)
        (apt / 'apt.conf.d/00test').write_text('APT::Install-Recommends "false";\nAcquire::Retries "3";\nAPT::Keep-Downloaded-Packages "true";\nAPT::Sandbox::User "root";\n')
        (apt / 'apt.conf.d/docker-clean').unlink(missing_ok=True)

    def chroot(self, *command):
        keep = {name: os.environ[name] for name in os.environ if name.lower() in ('http_proxy', 'https_proxy', 'no_proxy')}
        return run('chroot', self.path, *command, env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'DEBIAN_FRONTEND': 'noninteractive', 'LANG': 'C.UTF-8', 'HOME': '/root', **keep})

    def file(self, path):
        return self.path / path.lstrip('/')

    def named(self, pattern):
        """Every path with such a name, except what was mounted or downloaded."""
        found = run('find', self.path, '-xdev', '-name', pattern, '-not', '-path', f'{self.path}/packages*')
        return sorted('/' + os.path.relpath(line, self.path) for line in found.splitlines())
