// A controller that dies or restarts while nothing happens, and a gateway that drains while a second one takes over.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { free_port, program, until_true } from '../chromium/programs.mjs';
import { megaco_peer } from '../megaco/peer.mjs';

const bin = process.env.AGW_BIN ?? path.resolve('build/bin');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-operation-'));
const running = new Set();
after(async () => {
  await Promise.all([...running].map((p) => p.end()));
  fs.rmSync(folder, { recursive: true });
});
const ended = { code: 0, signal: null };

function run(name, options) {
  const started = new program(name, options);
  running.add(started);
  return started;
}
async function controller(port, http = '127.0.0.1:0') {
  const started = run('agw-controller', ['--h248', `127.0.0.1:${port}`, '--http', http]);
  [, started.url] = await started.says(/agw-controller: (http:\S+)/);
  return started;
}
async function gateway(mgc, lines = [], ports = '20000-29999') {
  const file = path.join(folder, `${running.size}.toml`);
  const h248 = ['[h248]', 'silence = "2s"', 't_max = "5s"', 'min_retry_delay = "200ms"', 'max_retry_delay = "1s"', 'maximum_waiting_delay = "0ms"'];
  fs.writeFileSync(file, [...lines, ...h248].join('\n'));
  const own = await free_port();
  const options = ['--config', file, '--h248', `127.0.0.1:${own}`, '--mgc', `127.0.0.1:${mgc}`, '--http', '127.0.0.1:0', '--ports', ports];
  const started = run('agw-server', options);
  const [, http] = await started.says(/HTTP on (\S+),/);
  started.value = async (name) => {
    const text = await (await fetch(`http://${http}/metrics`)).text();
    const line = text.split('\n').find((l) => l.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.split(' ').at(-1));
  };
  return started;
}
// Calls, each with texts and their echoes; held for so long.
function calls(at, options) {
  const child = spawn(path.join(bin, 'pion-wic'), ['-url', `${at.url.replace('http', 'ws').replace(/\/$/, '')}/ws`, ...options]);
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (out += data));
  return new Promise((done) => child.on('close', () => done({ ...JSON.parse(out.trim().split('\n').at(-1)), out })));
}

test('agw-controller dies idle, which is noticed, and restarts, which is too: the next call goes through', async () => {
  const port = await free_port();
  const first = await controller(port);
  const mg = await gateway(port);
  await mg.says(/registered with \S+, version 3/);
  first.child.kill('SIGKILL');
  await mg.says(/lost the MGC/, 8000);
  const second = await controller(port);
  await mg.says(/(registered with \S+, version 3[^]*){2}/);
  // Between two questions: nobody notices the end, and the new one does not know the gateway.
  second.child.kill('SIGKILL');
  await second.ended;
  const third = await controller(port);
  await mg.says(/does not know us: 504[^]*registered with \S+, version 3/, 8000);
  const report = await calls(third, ['-messages', '3']);
  assert.equal(report.failed, 0, report.out);
  assert.deepEqual(await mg.end(), ended);
});

test('an MGC of another make dies idle, and one that has restarted answers 505', async () => {
  const register = /(?:ServiceChange|SC)\s*=\s*ROOT/i;
  const said = { first: [], second: [] };
  const answering = (known, heard) => ({ text }, peer) => {
    heard.push(text);
    if (!register.test(text)) {
      const termination = text.match(/\b(?:Notify|N)\s*=\s*([^\s{]+)/i)[1];
      return known() ? `Context = - { Notify = ${termination} }` : `Context = - { Notify = ${termination} { Error = 505 { "no ServiceChange" } } }`;
    }
    peer.version = 3;
    peer.knows = true;
    return 'Context = - { ServiceChange = ROOT { Services { Version = 3 } } }';
  };
  const port = await free_port();
  let mgc = new megaco_peer({ port, style: 'compact', name: 'mgc1', answer: (request, peer) => answering(() => true, said.first)(request, peer) });
  await mgc.listening;
  const mg = await gateway(port);
  try {
    await mg.says(/registered with \S+, version 3/);
    const asked = await mgc.heard(/it\/ito/i);
    assert.match(asked.text, /(?:Notify|N)\s*=\s*ROOT\s*\{\s*(?:ObservedEvents|OE)\s*=\s*0\b/i);
    assert.equal(asked.version, 3);
    await mgc.heard(/it\/ito/i, { after: mgc.requests.indexOf(asked) + 1 }); // the answer was a sign of life
    assert.equal(said.first.filter((text) => register.test(text)).length, 1);
    await mgc.vanish();
    // It is back before anybody noticed, and does not know who asks.
    mgc = new megaco_peer({ port, style: 'compact', name: 'mgc1', answer: (request, peer) => answering(() => peer.knows, said.second)(request, peer) });
    await mgc.listening;
    const again = await mgc.heard(register);
    assert.match(again.text, /(?:Method|MT)\s*=\s*(?:Disconnected|DC)/i);
    assert.match(again.text, /(?:Version|V)\s*=\s*3/i);
    await mg.says(/(registered with \S+, version 3[^]*){2}/);
    // And it dies for good.
    await mgc.vanish();
    await mg.says(/(registered with[^]*){2}lost the MGC/, 8000);
  } finally {
    await mgc.end();
    assert.deepEqual(await mg.end(), ended);
  }
});

test('a gateway drains, a second one takes the new calls, and those that stood end by themselves', async () => {
  const port = await free_port();
  const mgc = await controller(port);
  const old = await gateway(port, ['[shutdown]', 'mode = "graceful"', 'delay = "60s"'], '20000-24999');
  await old.says(/registered with/);
  const standing = calls(mgc, ['-calls', '3', '-parallel', '3', '-messages', '5', '-hold', '30s']);
  await until_true(async () => (await old.value('agw_contexts')) === 3);
  const next = await gateway(port, [], '25000-29999');
  await next.says(/registered with/);
  old.child.kill('SIGTERM');
  await old.says(/3 contexts to drain/);
  await mgc.says(/gateway \S+: draining/);
  const fresh = await calls(mgc, ['-calls', '4', '-parallel', '2', '-messages', '2']);
  assert.equal(fresh.failed, 0, fresh.out);
  assert.equal(old.child.exitCode, null);
  assert.equal(await old.value('agw_contexts'), 3);
  await old.says(/draining: 3 contexts are left, and \d+ s of the delay/);
  const report = await standing;
  assert.equal(report.failed, 0, `${report.out}\n${old.log}\n${mgc.log}`);
  assert.deepEqual(report.causes, { requested: 3 });
  assert.deepEqual(await old.ended, ended);
  assert.deepEqual(await next.end(), ended);
});
