// H.248 over its transports: agw-server registers with agw-controller, carries a call, changes controllers, and refuses strangers.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { free_port, program, until_true, ws_of } from '../chromium/programs.mjs';

const bin = process.env.AGW_BIN ?? path.resolve('build/bin');
const running = new Set();
after(() => Promise.all([...running].map((p) => p.end())));

function run(name, options) {
  const started = new program(name, options);
  running.add(started);
  return started;
}

async function controller(...ends) {
  const started = run('agw-controller', [...ends.flatMap((end) => ['--h248', end]), '--http', '127.0.0.1:0']);
  [, started.url] = await started.says(/agw-controller: (http:\S+)/);
  return started;
}

async function gateway(options) {
  const started = run('agw-server', [...options, '--http', '127.0.0.1:0']);
  const [, http] = await started.says(/HTTP on (\S+),/);
  started.value = async (name) => {
    const text = await (await fetch(`http://${http}/metrics`)).text();
    const line = text.split('\n').find((l) => l.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.split(' ').at(-1));
  };
  return started;
}

// One call with its chat, from the offer to the release.
async function call(at) {
  const child = spawn(path.join(bin, 'pion-wic'), ['-url', ws_of(at.url), '-messages', '5']);
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (out += data));
  await new Promise((ended) => child.on('close', ended));
  const report = JSON.parse(out.trim().split('\n').at(-1));
  assert.equal(report.failed, 0, out);
  assert.deepEqual(report.causes, { requested: 1 });
}

const ended = { code: 0, signal: null };

for (const transport of ['udp', 'tcp', 'sctp+udp']) {
  test(`a call under H.248 over ${transport}`, async () => {
    const [own, far] = [await free_port(), await free_port()];
    const prefix = transport === 'udp' ? '' : `${transport}:`;
    const mgc = await controller(`${prefix}127.0.0.1:${far}`);
    const mg = await gateway(['--h248', `127.0.0.1:${own}`, '--mgc', `${prefix}127.0.0.1:${far}`]);
    await mg.says(new RegExp(`registered with ${prefix.replace('+', '\\+')}127\\.0\\.0\\.1:${far}`));
    await call(mgc);
    await until_true(async () => (await mg.value('agw_contexts')) === 0);
    assert.deepEqual(await mg.end(), ended);
    assert.deepEqual(await mgc.end(), ended);
  });
}

// The primary MGC is reached over `transport`, and dies; the secondary one, `name`, also listens over the transports `also`.
async function fails_over(transport, name, also) {
  const [own, first, second] = [await free_port(), await free_port(), await free_port()];
  const primary = await controller(`${transport}:127.0.0.1:${first}`);
  const secondary = await controller(`127.0.0.1:${second}`, ...also.map((other) => `${other}:127.0.0.1:${second}`));
  const mg = await gateway(['--h248', `127.0.0.1:${own}`, '--mgc', `${transport}:127.0.0.1:${first}`, '--mgc', `${name}:${second}`]);
  await mg.says(new RegExp(`registered with ${transport.replace('+', '\\+')}:127\\.0\\.0\\.1:${first}`));
  await call(primary);
  await primary.end();
  await mg.says(new RegExp(`registered with 127\\.0\\.0\\.1:${second}`), 60000);
  await call(secondary);
  assert.deepEqual(await mg.end(), ended);
  assert.deepEqual(await secondary.end(), ended);
}

test('an MGC over TCP fails over to one that has a name and speaks UDP, and calls go on there', () => fails_over('tcp', 'localhost', ['tcp']));
test('an MGC over SCTP in UDP that dies is left for the next one, which speaks UDP', () => fails_over('sctp+udp', '127.0.0.1', []));

test('a stranger is not heard: what it sends is dropped and counted', async () => {
  const [own, far] = [await free_port(), await free_port()];
  const mgc = await controller(`127.0.0.1:${far}`);
  const mg = await gateway(['--h248', `127.0.0.1:${own}`, '--mgc', `127.0.0.1:${far}`]);
  await mg.says(/registered with/);
  const refused = 'agw_drops_total{layer="h248",cause="refused-peer"}';
  const before = await mg.value(refused);
  const stranger = dgram.createSocket('udp4');
  await new Promise((bound) => stranger.bind(0, '127.0.0.2', bound));
  let answers = 0;
  stranger.on('message', () => (answers += 1));
  for (let i = 0; i < 3; i += 1) stranger.send('!/1 [127.0.0.2]:2944 T=1{C=-{AV=ROOT{AT{}}}}', own, '127.0.0.1');
  await until_true(async () => (await mg.value(refused)) === before + 3);
  assert.equal(answers, 0);
  stranger.close();
  await call(mgc);
  assert.deepEqual(await mg.end(), ended);
  assert.deepEqual(await mgc.end(), ended);
});

test('over TCP the gateway only dials: nobody can connect to it', async () => {
  const [own, far] = [await free_port(), await free_port()];
  const mgc = await controller(`tcp:127.0.0.1:${far}`);
  const mg = await gateway(['--h248', `127.0.0.1:${own}`, '--mgc', `tcp:127.0.0.1:${far}`]);
  await mg.says(/registered with/);
  const socket = net.connect(own, '127.0.0.1');
  const [error] = await new Promise((done) => {
    socket.on('error', (e) => done([e]));
    socket.on('connect', () => done([undefined]));
  });
  socket.destroy();
  assert.equal(error?.code, 'ECONNREFUSED');
  assert.deepEqual(await mg.end(), ended);
  assert.deepEqual(await mgc.end(), ended);
});

for (const [name, options] of [
  ['agw-server', ['--mgc', 'tls:127.0.0.1:1']],
  ['agw-server', ['--h248', 'tcp:127.0.0.1:2944', '--mgc', '127.0.0.1:1']],
  ['agw-controller', ['--h248', 'tcp:here:1']],
  ['agw-controller', ['--h248', 'tcp:127.0.0.1:1', '--h248', 'tcp:127.0.0.1:2']],
]) {
  test(`${name} ${options.join(' ')} ends with exit code 2 and one line`, async () => {
    const wrong = run(name, options);
    assert.deepEqual(await wrong.ended, { code: 2, signal: null });
    assert.match(wrong.log, /^[^\n]*allowed is [^\n]*\n$/);
  });
}
