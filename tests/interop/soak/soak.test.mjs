// Calls come and go for a long time, over a network that is bad in turns, and some of the WICs misbehave: memory, descriptors and usrsctp's own counts
// are flat. AGW_SOAK_SECONDS says how long (CI: minutes; by hand: hours), AGW_SOAK_SEED which faults come in which order.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { start, ws_of } from '../chromium/programs.mjs';
import { gateway_address, network, wic_address } from '../net/network.mjs';

const bin = process.env.AGW_BIN ?? path.resolve('build/bin');
const seconds = Number(process.env.AGW_SOAK_SECONDS ?? 300);
const seed = Number(process.env.AGW_SOAK_SEED ?? 1);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-soak-'));
let net;
let agw;

before(async () => {
  const config = path.join(folder, 'agw-server.toml');
  fs.writeFileSync(config, '[deadlines]\nice = "3s"\n[ice]\nconsent_timeout = "5s"\n');
  net = await network.make(seed);
  agw = await start(['--access', gateway_address, '--config', config], { address: gateway_address });
});
after(async () => {
  await agw?.stop();
  await net?.end();
  fs.rmSync(folder, { recursive: true });
});

// Small, and the same for the same seed (mulberry32's recurrence).
function dice(from) {
  let state = from >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}

const good = ['delay 0', 'loss 0', 'reorder 0', 'duplicate 0', 'rate 0', 'join'];
const networks = [
  [],
  ['delay 10', 'loss 0.02'],
  ['delay 30 15'],
  ['delay 5', 'reorder 0.1', 'duplicate 0.05'],
  ['rate 20 64'],
];
const sudden = [['port'], ['address'], ['cut'], []];
const behaviours = [
  ['-messages', '5'],
  ['-messages', '2', '-bytes', '200000'],
  ['-messages', '2', '-negotiated'],
  ['-terminated', '-messages', '3'],
  ['-messages', '2', '-options', '{"interworking":"aware"}'],
  ['-messages', '2', '-options', '{"tls":true}'],
  ['-messages', '1', '-options', '{"coreSetup":"passive"}'],
  ['-bad', 'wrong-fingerprint'],
  ['-bad', 'wrong-ice-password'],
  ['-bad', 'no-ice'],
  ['-bad', 'garbage', '-messages', '3'],
  ['-bad', 'msrp-garbage'],
  ['-bad', 'vanish'],
];

// Calls that the network breaks are no fault: what counts is what they leave behind.
async function calls(options) {
  const url = ws_of(agw.url);
  const [command, ...words] = [...net.prefix, path.join(bin, 'pion-wic'), '-url', url, '-local', wic_address, '-timeout', '15s', ...options];
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (data) => (out += data));
  const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
  await new Promise((ended) => child.on('close', ended));
  clearTimeout(timer);
  const report = out.trim().split('\n').at(-1);
  return report.startsWith('{') ? JSON.parse(report) : { calls: 0, failed: 0, errors: { killed: 1 } };
}

const descriptors = () => fs.readdirSync(`/proc/${agw.server.child.pid}/fd`).length;
async function at_rest() {
  await net.set(...good);
  await agw.reaches('agw_contexts', 0, 60_000);
  await agw.reaches('agw_sctp_associations', 0, 60_000);
  await agw.reaches('agw_sctp_established', 0, 60_000);
  return { rss: agw.server.rss_kib(), descriptors: descriptors() };
}

async function round(roll) {
  await net.set(...good, ...networks[roll(networks.length)]);
  const running = Array.from({ length: 4 }, () => calls(['-calls', '6', '-parallel', '3', ...behaviours[roll(behaviours.length)]]));
  await new Promise((later) => setTimeout(later, 500 + roll(1500)));
  const change = sudden[roll(sudden.length)];
  await net.set(...change);
  if (change[0] === 'cut') {
    await new Promise((later) => setTimeout(later, 1000 + roll(2000)));
    await net.set('join');
  }
  const reports = await Promise.all(running);
  return reports.reduce((sum, r) => ({ calls: sum.calls + r.calls, failed: sum.failed + r.failed }), { calls: 0, failed: 0 });
}

test(`${seconds} s of calls that come and go leave nothing behind`, async () => {
  const roll = dice(seed);
  // Everything is needed once before it is compared.
  for (const behaviour of behaviours) await calls(['-calls', '8', '-parallel', '8', ...behaviour]);
  const first = await at_rest();
  const total = { calls: 0, failed: 0 };
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    const one = await round(roll);
    total.calls += one.calls;
    total.failed += one.failed;
  }
  const last = await at_rest();
  console.log(`# ${total.calls} calls, of which the network broke ${total.failed}; before ${JSON.stringify(first)}, after ${JSON.stringify(last)}`);
  assert.ok(total.calls > 0 && total.failed < total.calls, JSON.stringify(total));
  assert.ok(last.descriptors <= first.descriptors + 2, `${first.descriptors} descriptors have become ${last.descriptors}`);
  // The heap's own slack is a few MB, however long it runs.
  assert.ok(last.rss <= first.rss + 16 * 1024, `${first.rss} KiB have become ${last.rss}`);
});

test('the gateway ends in good order after all of this', async () => {
  assert.deepEqual((await agw.stop())[0], { code: 0, signal: null });
});
