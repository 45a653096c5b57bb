// agw-server as a process: signals, a configuration that is read again, limits of the system, the service manager.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { free_port, program } from '../chromium/programs.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-process-'));
const running = new Set();
after(async () => {
  await Promise.all([...running].map((p) => p.end()));
  fs.rmSync(folder, { recursive: true });
});

const bin = process.env.AGW_BIN ?? path.resolve('build/bin');

async function gateway(lines) {
  const file = path.join(folder, `${running.size}.toml`);
  fs.writeFileSync(file, lines.join('\n'));
  const [own, far] = [await free_port(), await free_port()];
  const started = new program('agw-server', ['--config', file, '--h248', `127.0.0.1:${own}`, '--mgc', `127.0.0.1:${far}`, '--http', '127.0.0.1:0']);
  running.add(started);
  started.file = file;
  await started.says(/HTTP on (\S+),/);
  return started;
}

function certificate() {
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => path.join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=agw', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return [cert, key];
}

const times = (log, pattern) => [...log.matchAll(pattern)].length;

test('SIGHUP reads certificates again, keeps the old ones when they are broken, and ends nothing', async () => {
  const [cert, key] = certificate();
  const mg = await gateway(['[dtls]', `certificate = "${cert}"`, `key = "${key}"`]);
  certificate();
  mg.child.kill('SIGHUP');
  await mg.says(/signal 1: certificates were read again/);
  fs.writeFileSync(cert, 'nothing');
  mg.child.kill('SIGHUP');
  await mg.says(/signal 1: configuration and certificates stay as they were: \S+0\.toml:2: dtls\.certificate/);
  certificate();
  mg.child.kill('SIGHUP');
  await mg.says(/certificates were read again[^]*certificates were read again/);
  assert.equal(times(mg.log, /certificates stay as they were/g), 1);
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});

test('the descriptor limit is raised, and a configuration that needs more is warned of with figures', async () => {
  const mg = await gateway(['[limits]', 'contexts = 10000000']);
  const [, soft, hard] = fs.readFileSync(`/proc/${mg.child.pid}/limits`, 'utf8').match(/Max open files\s+(\S+)\s+(\S+)/);
  assert.equal(soft, hard);
  if (hard !== 'unlimited' && Number(hard) < 20000000) {
    await mg.says(new RegExp(`limits\\.contexts = 10000000 needs \\d+ file descriptors, 2 for each call; the hard limit \\(RLIMIT_NOFILE\\) is ${hard}`));
  }
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});

test('SIGHUP takes over what can change, names what cannot, and a wrong file changes nothing', async () => {
  const mg = await gateway(['threads = 1', '[limits]', 'contexts = 5']);
  fs.writeFileSync(mg.file, 'threads = 1\n[limits]\ncontexts = 5\nno_such = 1\n');
  mg.child.kill('SIGHUP');
  await mg.says(/signal 1: configuration and certificates stay as they were: \S+\.toml:4: limits\.no_such: unknown key/);
  fs.writeFileSync(mg.file, 'threads = 2\n[limits]\ncontexts = 7\n[log]\nlevel = "debug"\n');
  mg.child.kill('SIGHUP');
  await mg.says(/signal 1: the configuration was read again: limits\.contexts, log\.level changed/);
  await mg.says(/not taken over: threads: this needs a restart/);
  mg.child.kill('SIGHUP');
  await mg.says(/nothing of it has changed/);
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});

test('SIGHUP with other controllers: agw_registered names them, and no others', async () => {
  const file = path.join(folder, 'controllers.toml');
  const [own, first, second, third] = [await free_port(), await free_port(), await free_port(), await free_port()];
  const write = (mgcs) => fs.writeFileSync(file, `[h248]\nlisten = "127.0.0.1:${own}"\nmgc = [${mgcs.map((port) => `"127.0.0.1:${port}"`)}]\n[http]\nlisten = "127.0.0.1:0"\n`);
  write([first, second]);
  const mg = new program('agw-server', ['--config', file]);
  running.add(mg);
  const [, http] = await mg.says(/HTTP on (\S+),/);
  const named = async () => [...(await (await fetch(`http://${http}/metrics`)).text()).matchAll(/^agw_registered\{mgc="127\.0\.0\.1:(\d+)"\} 0$/gm)].map(([, port]) => Number(port)).sort();
  assert.deepEqual(await named(), [first, second].sort());
  write([third, second]);
  mg.child.kill('SIGHUP');
  await mg.says(/the configuration was read again: h248\.mgc changed/);
  assert.deepEqual(await named(), [third, second].sort());
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});

test('no signal that means something to a server kills it, nor does a standard error that is gone', async () => {
  const mg = await gateway([]);
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE']) mg.child.kill(signal);
  mg.child.stderr.destroy();
  for (let i = 0; i < 5; i += 1) {
    mg.child.kill('SIGHUP'); // which writes lines
    await new Promise((later) => setTimeout(later, 100));
  }
  assert.equal(mg.child.exitCode, null);
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});

test('every thread has a name of its own', async () => {
  const mg = await gateway(['threads = 2']);
  const tasks = `/proc/${mg.child.pid}/task`;
  const names = fs.readdirSync(tasks).map((id) => fs.readFileSync(`${tasks}/${id}/comm`, 'utf8').trim()).sort();
  assert.deepEqual(names, ['SCTP iterator', 'agw-log', 'agw-sctp', 'agw-server', 'agw-shard-0', 'agw-shard-1']);
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});

test('signals that come while it starts end nothing either', async () => {
  for (let i = 0; i < 3; i += 1) {
    const early = new program('agw-server', ['--h248', '127.0.0.1:0', '--mgc', '127.0.0.1:1', '--http', '127.0.0.1:0']);
    running.add(early);
    while (!early.log && early.child.exitCode === null && !fs.readFileSync(`/proc/${early.child.pid}/status`, 'utf8').match(/SigBlk:\t0*[1-9a-f]/)) {
      await new Promise((later) => setTimeout(later, 1));
    }
    early.child.kill('SIGHUP');
    early.child.kill('SIGUSR1');
    await early.says(/HTTP on/);
    assert.deepEqual(await early.end(), { code: 0, signal: null });
  }
});

test('without 0, 1 and 2 no socket becomes standard error', async () => {
  const port = await free_port();
  const shell = `exec "${bin}/agw-server" --h248 127.0.0.1:0 --mgc 127.0.0.1:1 --http 127.0.0.1:${port} <&- >&- 2>&-`;
  const child = spawn('sh', ['-c', shell], { stdio: 'ignore' });
  const gone = new Promise((end) => child.on('exit', (code, signal) => end({ code, signal })));
  const answers = async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok;
  for (const limit = performance.now() + 20000; performance.now() < limit && !(await answers()); ) await new Promise((later) => setTimeout(later, 50));
  for (const fd of [0, 1, 2]) assert.equal(fs.readlinkSync(`/proc/${child.pid}/fd/${fd}`), '/dev/null');
  child.kill('SIGTERM');
  assert.deepEqual(await gone, { code: 0, signal: null });
});

test('what the system does not grant is one line and exit code 1, no abort', () => {
  const words = ['--nofile=5', `${bin}/agw-server`, '--threads', '64', '--h248', '127.0.0.1:0', '--http', '127.0.0.1:0'];
  const end = spawnSync('prlimit', words, { encoding: 'utf8', timeout: 60000 });
  assert.equal(end.signal, null, end.stderr);
  assert.equal(end.status, 1);
  assert.match(end.stderr, /error .*Too many open files/);
});

// RLIMIT_NPROC counts the threads of a user, and root has no such limit: a user of nobody's, therefore.
test('threads that the system does not grant are one line and exit code 1, whichever of them it is', async () => {
  const user = ['--reuid=54321', '--regid=54321', '--clear-groups'];
  const words = (threads) => [...user, 'prlimit', `--nproc=${threads}`, `${bin}/agw-server`, '--threads', '4', '--h248', '127.0.0.1:0', '--mgc', '127.0.0.1:1', '--http', '127.0.0.1:0'];
  const needed = 8; // the main thread, the log's, two of SCTP, and four shards
  for (let threads = 1; threads < needed; threads += 1) {
    const end = spawnSync('setpriv', words(threads), { encoding: 'utf8', timeout: 60000 });
    assert.equal(end.signal, null, `${threads} threads: ${end.stderr}`);
    assert.equal(end.status, 1, `${threads} threads: ${end.stderr}`);
    assert.match(end.stderr.trim().split('\n').at(-1), /thread.*: Resource temporarily unavailable/);
  }
  const enough = spawn('setpriv', words(needed), { stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = new Promise((end) => enough.on('exit', (code, signal) => end({ code, signal })));
  await Promise.race([gone, new Promise((begun) => enough.stderr.on('data', (data) => /HTTP on/.test(data) && begun()))]);
  enough.kill('SIGTERM');
  assert.deepEqual(await gone, { code: 0, signal: null });
});

test('threads have names', async () => {
  const mg = await gateway(['threads = 2']);
  const tasks = `/proc/${mg.child.pid}/task`;
  const names = fs.readdirSync(tasks).map((id) => fs.readFileSync(`${tasks}/${id}/comm`, 'utf8').trim());
  for (const name of ['agw-server', 'agw-shard-0', 'agw-shard-1']) assert.ok(names.includes(name), `${names}`);
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});

test('a certificate that has expired is a warning of --check-config and of the start', async () => {
  const [cert, key] = ['old.pem', 'old.key'].map((name) => path.join(folder, name));
  const request = path.join(folder, 'old.csr');
  const made = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=agw', '-keyout', key, '-out', request];
  execFileSync('openssl', made, { stdio: 'ignore' });
  execFileSync('openssl', ['x509', '-req', '-in', request, '-signkey', key, '-days', '-1', '-out', cert], { stdio: 'ignore' });
  const mg = await gateway(['[dtls]', 'certificate = "old.pem"', 'key = "old.key"']);
  await mg.says(/dtls\.certificate: \S+old\.pem expired on 20/);
  const check = spawnSync(`${bin}/agw-server`, ['--check-config', '--config', mg.file], { encoding: 'utf8' });
  assert.equal(check.status, 0);
  assert.match(check.stdout, /: ok\nwarning: [^]*old\.pem expired on 20/);
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});

test('a service manager hears READY, RELOADING, WATCHDOG and STOPPING', async () => {
  const socket = path.join(folder, 'notify');
  const listen = 'import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint("bound", flush=True)\n' +
    'while True: print(repr(s.recv(4096).decode()), flush=True)\n';
  const manager = spawn('/usr/bin/python3', ['-c', listen, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let heard = '';
  manager.stdout.on('data', (data) => (heard += data));
  const hears = async (pattern) => {
    for (const limit = performance.now() + 20000; performance.now() < limit; await new Promise((later) => setTimeout(later, 25))) if (pattern.test(heard)) return;
    assert.fail(`never ${pattern}: ${heard}`);
  };
  try {
    await hears(/bound/);
    Object.assign(process.env, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000' });
    const mg = await gateway([]);
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC']) delete process.env[name];
    await hears(/READY=1/);
    await hears(/WATCHDOG=1[^]*WATCHDOG=1/);
    mg.child.kill('SIGHUP');
    await hears(/RELOADING=1\\nMONOTONIC_USEC=\d+[^]*READY=1/);
    await mg.end();
    await hears(/STOPPING=1/);
  } finally {
    manager.kill();
  }
});
