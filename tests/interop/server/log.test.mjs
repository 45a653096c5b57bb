// What agw-server says of itself: the start line, the two lines of a call, refused commands, formats, a reader of the log that hangs, a log file that is
// renamed, /healthz and /readyz. The controller is a few lines of text here, so that it can do what a good one does not.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { bin, free_port, program } from '../chromium/programs.mjs';
import { mgc } from './mgc.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-log-'));
const ends = [];
after(async () => {
  for (const end of ends.reverse()) await end();
  fs.rmSync(folder, { recursive: true });
});

async function new_mgc() {
  const one = await new mgc().open();
  ends.push(() => one.die());
  return one;
}

async function gateway(lines = [], { fd = 'pipe', env = {} } = {}) {
  const controller = await new_mgc();
  const file = path.join(folder, `${ends.length}.toml`);
  fs.writeFileSync(file, lines.join('\n'));
  const own = await free_port();
  const options = ['--config', file, '--h248', `127.0.0.1:${own}`, '--mgc', `127.0.0.1:${controller.port}`, '--http', '127.0.0.1:0'];
  const started = new program('agw-server', options, { fd, env });
  ends.push(() => started.end());
  return { controller, mg: started };
}

async function up(lines, how) {
  const both = await gateway(lines, how);
  const [, http] = await both.mg.says(/HTTP on ([\d.:]+)/);
  await both.mg.says(/registered with/);
  return { ...both, http: `http://${http}` };
}

const value = async (http, name) => {
  const line = (await (await fetch(`${http}/metrics`)).text()).split('\n').find((l) => l.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
};
const core = (port) =>
  `Media{Stream=2{LocalControl{Mode=SendReceive},Local{v=0\r\nc=IN IP4 $\r\nm=message $ TCP *\r\na=setup:active\r\n},Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=message ${port} TCP *\r\na=setup:passive\r\n}}}`;
const context_of = (reply) => reply.match(/C=(\d+)\{/)[1];
const facts = (line) => Object.fromEntries([...line.matchAll(/ (\w+)=("(?:[^"\\]|\\.)*"|\S+)/g)].map(([, name, text]) => [name, text]));
const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d`;

test('the start line says what matters, and --version the commit', async () => {
  const { mg, controller } = await up(['[limits]', 'contexts = 77']);
  const [line] = mg.log.match(/^.*agw-server \d.*$/m);
  assert.match(line, new RegExp(`^${time} info    agw-server`));
  const said = facts(line);
  assert.equal(said.mgc, `127.0.0.1:${controller.port}`);
  assert.equal(said.contexts, '77');
  assert.match(said.config, /\.toml$/);
  assert.match(said.fingerprint, /^"sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}"$/);
  assert.match(said.expires, /^20\d\d-\d\d-\d\dT/);
  assert.match(said.interfaces, /access=127\.0\.0\.1,core=127\.0\.0\.1/);
  const version = execFileSync(path.join(bin, 'agw-server'), ['--version']).toString();
  assert.equal(version, `agw-server ${said.version} (commit ${said.commit})\n`);
});

test('a call has a line where it begins and one where it ends, and is counted by who ended it', async () => {
  const { mg, controller, http } = await up();
  const peer = net.createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => peer.once('listening', listening));
  ends.push(() => peer.close());
  const arrived = new Promise((connection) => peer.once('connection', connection));
  const context = context_of(await controller.ask(`C=\${A=ip/1/core/\${${core(peer.address().port)}}}`));
  await arrived;
  const [began] = await mg.says(new RegExp(`^.* info    call began .*context=${context} .*$`, 'm'));
  assert.equal(facts(began).controller, `127.0.0.1:${controller.port}`);
  assert.match(facts(began).call, new RegExp(`^[0-9a-f]{8,}-${context}$`));
  await controller.ask(`C=${context}{S=*}`);
  const [ended] = await mg.says(new RegExp(`^.* info    call ended .*context=${context} .*$`, 'm'));
  assert.equal(facts(ended).call, facts(began).call);
  assert.equal(facts(ended).cause, 'controller');
  assert.equal(facts(ended).core, `127.0.0.1:${peer.address().port}`);
  assert.equal(await value(http, 'agw_calls_ended_total{cause="controller"}'), 1);
  assert.equal(await value(http, 'agw_calls_started_total'), 1);
});

test('a core that refuses is the cause, with its address and port, and one that closes is no failure', async () => {
  const { mg, controller, http } = await up();
  const nobody = net.createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => nobody.once('listening', listening));
  const { port } = nobody.address();
  await new Promise((closed) => nobody.close(closed));
  const first = context_of(await controller.ask(`C=\${A=ip/1/core/\${${core(port)}}}`));
  await mg.says(new RegExp(`failed: tcp:refused .*the peer is 127\\.0\\.0\\.1:${port}`));
  await controller.ask(`C=${first}{S=*}`);
  await mg.says(new RegExp(`call ended .*context=${first} cause=tcp:refused `));
  assert.equal(await value(http, 'agw_calls_ended_total{cause="tcp:refused"}'), 1);
  const failures = await value(http, 'agw_stage_failures_total{reason="refused",stage="tcp"}');

  const peer = net.createServer((s) => s.end()).listen(0, '127.0.0.1');
  await new Promise((listening) => peer.once('listening', listening));
  ends.push(() => peer.close());
  const second = context_of(await controller.ask(`C=\${A=ip/1/core/\${${core(peer.address().port)}}}`));
  await new Promise((later) => setTimeout(later, 2500)); // it looks once a second
  await controller.ask(`C=*{S=*}`);
  await mg.says(/subtracts \* in every context: 1 terminations of 1 contexts/);
  await mg.says(new RegExp(`call ended .*context=${second} cause=core `));
  assert.equal(await value(http, 'agw_calls_ended_total{cause="core"}'), 1);
  assert.equal(failures, 1);
  assert.equal(await value(http, 'agw_stage_failures_total{reason="reset",stage="tcp"}'), 0);
});

test('a refused command is a line with its code, and a flood of them is limited', async () => {
  const { mg, controller, http } = await up();
  await controller.ask('C=4711{S=ip/1/core/1}');
  await mg.says(/refused .*context 4711 of 127\.0\.0\.1:\d+: 411 "4711"/);
  // UDP, and nobody repeats here what a full buffer loses.
  for (let i = 0; i < 10; ++i) await Promise.all(Array.from({ length: 20 }, () => controller.ask('C=4711{S=ip/1/core/1}')));
  assert.equal(await value(http, 'agw_h248_errors_total{code="411"}'), 201);
  assert.ok([...mg.log.matchAll(/: 411 "/g)].length < 60);
});

test('a registration that fails says why', async () => {
  const cut = await gateway();
  cut.controller.registers = (id) => `P=${id}{C=-{SC=ROOT{SV{`;
  await cut.mg.says(/cannot be read: line 1 column \d+/);
  const same = await gateway();
  same.controller.registers = (id) => `P=${id}{C=-{SC=ROOT{SV{V=3,PF=threegiq/1}}}}`;
  await same.mg.says(/registered with/);
  assert.doesNotMatch(same.mg.log, /profile/);
  const refused = await gateway();
  refused.controller.registers = (id) => `P=${id}{C=-{ER=402{"not you"}}}`;
  await refused.mg.says(/refuses the registration: 402 "not you"/);
});

test('readiness follows the registration, and health does not', async () => {
  const { mg, controller } = await gateway();
  const answer = controller.registers;
  controller.registers = () => 'P=0{}';
  const [, at] = await mg.says(/HTTP on ([\d.:]+)/);
  const before = await fetch(`http://${at}/readyz`);
  assert.equal(before.status, 503);
  assert.deepEqual(await before.json(), { ready: false, reasons: ['not registered with a controller'] });
  assert.equal((await fetch(`http://${at}/healthz`)).status, 200);
  assert.equal(await value(`http://${at}`, `agw_registered{mgc="127.0.0.1:${controller.port}"}`), 0);
  controller.registers = answer;
  await mg.says(/registered with/);
  assert.equal((await fetch(`http://${at}/readyz`)).status, 200);
  assert.equal(await value(`http://${at}`, `agw_registered{mgc="127.0.0.1:${controller.port}"}`), 1);
});

test('JSON is one object a line, logfmt is pairs, and under systemd a line begins with its priority', async () => {
  const { mg } = await up(['[log]', 'format = "json"', 'level = "debug"']);
  await mg.end();
  const lines = mg.log.trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.every((line) => new RegExp(`^${time}$`).test(line.time) && line.level && line.message));
  assert.ok(lines.some((line) => line.level === 'debug' && /^h248: to 127\.0\.0\.1:\d+: !\/1 /.test(line.message)));
  assert.ok(lines.some((line) => line.fingerprint));
  const pairs = await up(['[log]', 'format = "logfmt"']);
  await pairs.mg.end();
  for (const line of pairs.mg.log.trim().split('\n')) assert.match(line, new RegExp(`^time=${time} level=\\w+ msg="`));

  const file = fs.openSync(path.join(folder, 'journal'), 'a+');
  const { dev, ino } = fs.fstatSync(file);
  const { mg: journal } = await gateway([], { fd: file, env: { JOURNAL_STREAM: `${dev}:${ino}` } });
  const text = () => fs.readFileSync(path.join(folder, 'journal'), 'utf8');
  for (let i = 0; i < 200 && !/registered/.test(text()); ++i) await new Promise((later) => setTimeout(later, 50));
  await journal.end();
  for (const line of text().trim().split('\n')) assert.match(line, /^<[2-7]>[a-z]/);
});

// /run/systemd of a mount namespace of its own, with a socket that takes entries and prints each as JSON, and a socket as standard error.
const journal = `
import json, os, socket, subprocess, sys
subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', '/run'], check=True)
os.makedirs('/run/systemd/journal')
entries = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
entries.bind('/run/systemd/journal/socket')
ours, theirs = socket.socketpair()
at = os.fstat(theirs.fileno())
child = subprocess.Popen(sys.argv[1:], stderr=theirs.fileno(), env={**os.environ, 'JOURNAL_STREAM': f'{at.st_dev}:{at.st_ino}'})
print(json.dumps({'pid': child.pid}), flush=True)
entries.settimeout(0.2)
while child.poll() is None:
    try: fields = entries.recv(1 << 20).decode().rstrip('\\n').split('\\n')
    except TimeoutError: continue
    print(json.dumps(dict(field.split('=', 1) for field in fields)), flush=True)
ours.setblocking(False)
theirs.close()
try: print(json.dumps({'stderr': ours.recv(65536).decode()}), flush=True)
except BlockingIOError: pass
sys.exit(child.returncode)
`;

test("under systemd a line is an entry of the journal's native protocol, with a field for each fact", async () => {
  const controller = await new_mgc();
  const file = path.join(folder, 'journal.toml');
  fs.writeFileSync(file, '[log]\nlevel = "debug"\n');
  const options = ['--config', file, '--h248', `127.0.0.1:${await free_port()}`, '--mgc', `127.0.0.1:${controller.port}`, '--http', '127.0.0.1:0'];
  const machine = spawn('unshare', ['--mount', '/usr/bin/python3', '-c', journal, path.join(bin, 'agw-server'), ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  machine.stdout.on('data', (data) => (said += data));
  const ended = new Promise((resolve) => machine.on('exit', resolve));
  for (let i = 0; i < 400 && !said.includes('\n'); ++i) await new Promise((later) => setTimeout(later, 50));
  const { pid } = JSON.parse(said.split('\n')[0]);
  ends.push(() => machine.exitCode === null && process.kill(pid, 'SIGKILL'));
  const entries = () => said.split('\n').slice(0, -1).map((line) => JSON.parse(line));
  const entry = async (pattern) => {
    for (let i = 0; i < 400; ++i) {
      const found = entries().find((e) => pattern.test(e.MESSAGE));
      if (found) return found;
      await new Promise((later) => setTimeout(later, 50));
    }
    assert.fail(`never ${pattern}: ${said}`);
  };
  const start = await entry(/^agw-server \d/);
  assert.match(start.AGW_FINGERPRINT, /^sha-256 /);
  assert.equal(start.PRIORITY, '6');
  assert.equal(start.SYSLOG_IDENTIFIER, 'agw-server');
  await entry(/registered with/);
  assert.equal((await entry(/^h248: to 127/)).PRIORITY, '7');
  const context = context_of(await controller.ask(`C=\${A=ip/1/core/\${${core(9)}}}`));
  await controller.ask(`C=${context}{S=*}`);
  const end = await entry(/^call ended/);
  assert.equal(end.AGW_CONTEXT, context);
  assert.match(end.AGW_CALL, new RegExp(`^[0-9a-f]{8,}-${context}$`));
  assert.match(end.MESSAGE, new RegExp(` call=${end.AGW_CALL} `));
  process.kill(pid, 'SIGTERM');
  assert.equal(await ended, 0);
  assert.ok(!entries().some((e) => e.stderr), said);
});

test('a reader of the log that hangs, a full disk and a closed standard error hold up no call', async () => {
  // Nobody reads this pipe: node does not, as long as nothing listens for its data.
  const fifo = path.join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const full = fs.openSync('/dev/full', 'w');
  for (const fd of [fs.openSync(fifo, 'w'), full]) {
    const port = await free_port();
    const controller = await new_mgc();
    const options = ['--h248', `127.0.0.1:${await free_port()}`, '--mgc', `127.0.0.1:${controller.port}`, '--http', `127.0.0.1:${port}`, '--log-level', 'debug'];
    const mg = new program('agw-server', options, { fd });
    ends.push(() => mg.end());
    const http = `http://127.0.0.1:${port}`;
    for (let i = 0; i < 400; ++i) {
      if (await fetch(`${http}/readyz`).then((r) => r.ok, () => false)) break;
      await new Promise((later) => setTimeout(later, 50));
    }
    const contexts = [];
    for (let i = 0; i < 120; ++i) contexts.push(context_of(await controller.ask(`C=\${A=ip/1/core/\${${core(9)}}}`)));
    for (const context of contexts) await controller.ask(`C=${context}{S=*}`);
    for (let i = 0; i < 9000; ++i) await controller.ask('C=4711{S=ip/1/core/1}');
    assert.equal((await fetch(`${http}/healthz`)).status, 200);
    assert.ok((await value(http, 'agw_log_lines_dropped_total')) > 0);
    assert.equal(await value(http, 'agw_calls_started_total'), 120);
    const begin = performance.now();
    assert.deepEqual(await mg.end(), { code: 0, signal: null });
    assert.ok(performance.now() - begin < 10000);
    fs.closeSync(fd);
  }
  fs.closeSync(reader);

  const port = await free_port();
  const controller = await new_mgc();
  const command = `exec "${path.join(bin, 'agw-server')}" --h248 127.0.0.1:${await free_port()} --mgc 127.0.0.1:${controller.port} --http 127.0.0.1:${port} 2>&-`;
  const mg = spawn('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => mg.on('exit', (code, signal) => resolve({ code, signal })));
  for (let i = 0; i < 400; ++i) {
    if (await fetch(`http://127.0.0.1:${port}/readyz`).then((r) => r.ok, () => false)) break;
    await new Promise((later) => setTimeout(later, 50));
  }
  const context = context_of(await controller.ask(`C=\${A=ip/1/core/\${${core(9)}}}`));
  await controller.ask(`C=${context}{S=*}`);
  mg.kill('SIGTERM');
  assert.deepEqual(await ended, { code: 0, signal: null });
});

test('SIGUSR1 opens the log file anew', async () => {
  const file = path.join(folder, 'agw.log');
  const { mg, controller } = await gateway(['[log]', `file = "${file}"`]);
  const text = (name = file) => fs.readFileSync(name, 'utf8');
  const says = async (pattern, name) => {
    for (let i = 0; i < 400; ++i) {
      if (fs.existsSync(name ?? file) && pattern.test(text(name))) return;
      await new Promise((later) => setTimeout(later, 50));
    }
    throw new Error(`the file never said ${pattern}: ${text(name)}`);
  };
  await says(/registered with/);
  fs.renameSync(file, `${file}.1`);
  mg.child.kill('SIGUSR1');
  await says(/opened anew/);
  await controller.ask('C=4711{S=ip/1/core/1}');
  await says(/: 411 /);
  assert.doesNotMatch(text(), /registered with/);
  assert.match(text(`${file}.1`), /registered with/);
  assert.equal(mg.log, '');
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});
