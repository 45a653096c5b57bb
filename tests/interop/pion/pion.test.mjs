// Pion as the WIC, through agw-controller and agw-server: channels opened by DCEP, many calls, and bad input on every side.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { start, ws_of } from '../chromium/programs.mjs';

const program = path.join(process.env.AGW_BIN ?? path.resolve('build/bin'), 'pion-wic');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-pion-'));
let agw;

before(async () => {
  // Short patience, so that what never comes is missed soon.
  const config = path.join(folder, 'agw-server.toml');
  fs.writeFileSync(config, '[deadlines]\nice = "3s"\n[ice]\nconsent_timeout = "5s"\n');
  agw = await start(['--config', config]);
});
after(async () => {
  await agw?.stop();
  fs.rmSync(folder, { recursive: true });
});

// Runs pion-wic; `on_up` is called when calls that are held are all up. Yields its report.
async function wic(options, { at = agw, on_up } = {}) {
  const url = ws_of(at.url);
  const child = spawn(program, ['-url', url, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let complaints = '';
  let up;
  child.stderr.on('data', (data) => (complaints += data));
  child.stdout.on('data', (data) => {
    out += data;
    if (!up && out.includes('"event":"up"')) up = Promise.resolve(on_up?.());
  });
  await new Promise((ended) => child.on('close', ended));
  await up;
  const last = out.trim().split('\n').at(-1);
  assert.ok(last.startsWith('{"calls"'), `pion-wic says: ${out}${complaints}`);
  return JSON.parse(last);
}
const works = (report) => assert.equal(report.failed, 0, JSON.stringify(report));
const empty = () => agw.reaches('agw_contexts', 0);

for (const [name, options] of [
  ['a chat on a channel that the WIC opens by DCEP', ['-messages', '20']],
  ['a chat on a channel whose id is agreed beforehand', ['-messages', '20', '-negotiated']],
  ['a WIC-terminated call with DCEP', ['-terminated']],
  ['a WIC-terminated call with an agreed id', ['-terminated', '-negotiated']],
  ['an application-aware call', ['-options', '{"interworking":"aware"}', '-messages', '5']],
  ['a gateway that listens for the core', ['-options', '{"coreSetup":"passive"}']],
]) {
  test(name, async () => {
    // Held for a moment: what a stage took is told after the fact, and a call that is over by then never hears of it.
    const report = await wic([...options, '-hold', '1500ms']);
    works(report);
    assert.deepEqual(report.causes, { requested: 1 });
    for (const stage of ['ice', 'dtls', 'sctp']) assert.ok(report.stages_ms[stage], `${stage} in ${JSON.stringify(report)}`);
    await empty();
  });
}

for (const [direction, bytes] of [['up', 60e6], ['down', 60e6]]) {
  test(`a file of ${bytes / 1e6} MB ${direction} arrives whole`, async () => {
    const before = agw.server.cpu_ms();
    const report = await wic(['-bytes', String(bytes), '-direction', direction]);
    works(report);
    const speed = report[`${direction}_mbps`].median;
    const cost = (agw.server.cpu_ms() - before) / (bytes / 1e6);
    console.log(`# ${direction}: ${speed.toFixed(1)} MB/s; agw-server took ${cost.toFixed(2)} ms of CPU for each MB`);
    await empty();
  });
}

test("chunks are cut to a small max-message-size of the WIC's", async () => {
  works(await wic(['-max-message', '2000', '-bytes', '500000', '-size', '1500']));
  await empty();
});

test('a call between full ICE agents', async () => {
  const config = path.join(folder, 'full.toml');
  fs.writeFileSync(config, '[ice]\nmode = "full"\n');
  const full = await start(['--config', config]);
  try {
    // Several: who controls must never be left to chance.
    works(await wic(['-calls', '8', '-messages', '3'], { at: full }));
    works(await wic(['-calls', '8', '-terminated'], { at: full }));
    await full.reaches('agw_contexts', 0);
  } finally {
    assert.deepEqual((await full.stop())[0], { code: 0, signal: null });
  }
});

test('200 calls one after the other, and 50 at a time, leave nothing behind', async () => {
  const many = ['-calls', '200', '-parallel', '50'];
  works(await wic(many)); // after this everything has been needed once
  await empty();
  const before = agw.server.rss_kib();
  const single = await wic(['-calls', '200']);
  works(single);
  works(await wic(many));
  await empty();
  const growth = agw.server.rss_kib() - before;
  console.log(`# Add to open channel, median of 200: ${single.open_ms.median} ms; stages ${JSON.stringify(single.stages_ms)}`);
  console.log(`# resident memory grew by ${growth} KiB from ${before} KiB over 400 calls`);
  assert.ok(growth < 8192, `${growth} KiB`);
});

test('idle calls have a price', async () => {
  const before = agw.server.rss_kib();
  let price;
  const report = await wic(['-calls', '100', '-parallel', '100', '-hold', '2s'], {
    on_up: async () => {
      assert.equal(await agw.value('agw_contexts'), 100);
      price = (agw.server.rss_kib() - before) / 100;
    },
  });
  works(report);
  console.log(`# ${price.toFixed(0)} KiB of resident memory for each idle call`);
  assert.ok(price < 2048, `${price} KiB`);
  await empty();
});

// What goes wrong in one call must not touch another one, which chats all the time.
async function beside_a_chat(spoilt) {
  const chat = wic(['-messages', '50', '-hold', '6s']);
  const result = await spoilt();
  works(await chat);
  await empty();
  return result;
}

for (const [bad, causes] of [
  ['wrong-fingerprint', ['dtls:fingerprint']],
  ['wrong-ice-password', ['ice:timeout']],
  ['no-ice', ['ice:timeout']],
  ['msrp-garbage', ['msrp:syntax']],
  ['vanish', ['ice:consent']],
]) {
  test(`${bad} ends in ${causes[0]}, and nothing else ends`, async () => {
    const [stage, reason] = causes[0].split(':');
    const counter = `agw_stage_failures_total{reason="${reason}",stage="${stage}"}`;
    const counted = (await agw.value(counter)) ?? 0;
    const report = await beside_a_chat(() => wic(['-bad', bad]));
    works(report);
    assert.deepEqual(report.causes, { [causes[0]]: 1 });
    assert.deepEqual(report.stage_failures, { [causes[0]]: 1 });
    assert.equal(await agw.value(counter), counted + 1);
  });
}

test('garbage before, between and after the stages is dropped, and the call works', async () => {
  const report = await beside_a_chat(() => wic(['-bad', 'garbage', '-messages', '50']));
  works(report);
  assert.ok(report.garbage_datagrams >= 200, JSON.stringify(report));
  assert.match(await agw.metrics(), /agw_drops_total\{layer="ice",cause="unverified"\} [1-9]/);
});

// A peer in the core that is not the bot.
async function core_peer(on_connection) {
  const server = net.createServer(on_connection);
  await new Promise((listens) => server.listen(0, '127.0.0.1', listens));
  const { port } = server.address();
  const options = JSON.stringify({ peer: { address: '127.0.0.1', port, path: `msrp://127.0.0.1:${port}/x;tcp` } });
  return { options: ['-options', options], close: () => new Promise((closed) => server.close(closed)) };
}

test('a core peer that refuses TCP ends the call with tcp:refused', async () => {
  const peer = await core_peer(() => {});
  await peer.close();
  const report = await beside_a_chat(() => wic(peer.options));
  // The core refuses sooner than the channel opens, or later: the call is released for it either way.
  assert.deepEqual(report.causes, { 'tcp:refused': 1 });
  assert.deepEqual(report.stage_failures, { 'tcp:refused': 1 });
});

test('MSRP garbage from the core ends the call with msrp:syntax', async () => {
  const peer = await core_peer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
  });
  const report = await beside_a_chat(() => wic(peer.options));
  await peer.close();
  assert.deepEqual(report.causes, { 'msrp:syntax': 1 });
});

test('the gateway ends in good order after all of this', async () => {
  assert.deepEqual(await agw.stop(), [
    { code: 0, signal: null },
    { code: 0, signal: null },
  ]);
});
