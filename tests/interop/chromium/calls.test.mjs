// Chromium as the WIC, through agw-controller's page, agw-server and the IMS peer's TCP: the main job, end to end.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.mjs';
import { start } from './programs.mjs';

const artefacts = process.env.AGW_PICTURES ?? fs.mkdtempSync(path.join(os.tmpdir(), 'agw-calls-'));
fs.mkdirSync(artefacts, { recursive: true });
let browser;
let agw;
const wire = new Set(); // every H.248 message that was seen, for the decoder of another make

before(async () => {
  browser = await launch();
  agw = await start();
});
after(async () => {
  await browser?.close();
  await agw?.stop();
});

async function visit(at = agw) {
  const opened = await open(browser, at.url);
  await opened.page.waitForFunction(() => window.agw?.state.gateway?.registered);
  const leave = async () => {
    for (const row of await opened.page.evaluate(() => window.agw.ladder)) if (row.type === 'h248') wire.add(row.text);
    await opened.context.close();
  };
  return { ...opened, leave };
}
const echo = (page, text, channel) =>
  page.evaluate(
    ([text, channel]) => {
      window.agw.sendText(text, channel);
      return window.agw.waitFor({ kind: 'text', text });
    },
    [text, channel],
  );

test('a text goes to the IMS peer and comes back, and every stage lights up', async () => {
  const { page, leave, faults } = await visit();
  await page.evaluate(() => window.agw.call());
  assert.equal((await echo(page, 'grüße an alle 👋')).state, 'complete');
  const done = await page.evaluate(() => window.agw.stages.filter((s) => s.state === 'done').map((s) => s.stage));
  for (const stage of ['ice', 'dtls', 'sctp', 'channel', 'tcp', 'msrp']) assert.ok(done.includes(stage), `${stage} in ${done}`);
  await page.screenshot({ path: path.join(artefacts, 'call.png') });
  assert.deepEqual(faults, []);
  await leave();
  await agw.reaches('agw_contexts', 0);
});

test('a 16 MiB file each way arrives whole', async () => {
  const { page, leave } = await visit();
  await page.evaluate(() => window.agw.call());
  const hashes = await page.evaluate(async () => {
    await window.agw.sendFile('there.bin', 16 * 1024 * 1024);
    const back = await window.agw.waitFor({ kind: 'file', name: 'there.bin' });
    const sent = window.agw.sent.find((s) => s.name === 'there.bin');
    const told = window.agw.received.find((r) => r.kind === 'text' && r.text.includes('SHA-256'));
    return { sent: sent.sha256, back: back.sha256, size: back.size, told: told.text };
  });
  assert.equal(hashes.size, 16 * 1024 * 1024);
  assert.equal(hashes.back, hashes.sent);
  assert.ok(hashes.told.includes(hashes.sent), hashes.told);
  await leave();
});

test('two channels live in one association, and one leaves without the other', async () => {
  const { page, leave } = await visit();
  await page.evaluate(() => window.agw.call());
  await page.evaluate(() => window.agw.addChannel('second'));
  await echo(page, 'on the first', 'chat');
  await echo(page, 'on the second', 'second');
  assert.equal(await agw.value('agw_contexts'), 1);
  await page.evaluate(() => window.agw.removeChannel('second'));
  await page.waitForFunction(() => window.agw.state.call.channels.find((c) => c.label === 'second').state === 'closed');
  await echo(page, 'still here', 'chat');
  await leave();
  await agw.reaches('agw_contexts', 0);
});

test('a page that is closed in the middle takes its context along, and other calls go on', async () => {
  const before = agw.server.rss_kib();
  const other = await visit();
  await other.page.evaluate(() => window.agw.call());
  const doomed = await visit();
  await doomed.page.evaluate(() => window.agw.call());
  await doomed.page.evaluate(() => void window.agw.sendFile('cut.bin', 32 * 1024 * 1024));
  await doomed.page.waitForTimeout(300);
  assert.equal(await agw.value('agw_contexts'), 2);
  await doomed.context.close();
  await agw.reaches('agw_contexts', 1);
  await echo(other.page, 'I am still here');
  await other.leave();
  await agw.reaches('agw_contexts', 0);
  const growth = agw.server.rss_kib() - before;
  assert.ok(growth < 4096, `${growth} KiB are not back`);
});

test('a WIC-terminated call', async () => {
  const { page, leave } = await visit();
  await page.evaluate(() => window.agw.callMe());
  await echo(page, 'you called?');
  await leave();
  await agw.reaches('agw_contexts', 0);
});

test('a channel that the WIC opens in-band', async () => {
  const { page, leave } = await visit();
  await page.evaluate(() => window.agw.call({ dcep: true }));
  await echo(page, 'opened by DCEP');
  await leave();
  await agw.reaches('agw_contexts', 0);
});

test('an application-aware call: the gateway is an MSRP user agent on both sides', async () => {
  const { page, leave } = await visit();
  await page.evaluate(() => window.agw.call({ controller: { interworking: 'aware' } }));
  await echo(page, 'through a B2BUA');
  await leave();
  await agw.reaches('agw_contexts', 0);
});

for (const [name, options] of [
  ['bytes pass unchanged', { tls: true }],
  ['the gateway is an MSRP user agent', { tls: true, interworking: 'aware' }],
  ['the gateway is the TLS client', { tls: true, coreSetup: 'active' }],
  ['the bot is the TLS client', { tls: true, coreSetup: 'passive' }],
]) {
  test(`TLS towards the core: ${name}`, async () => {
    const { page, leave } = await visit();
    await page.evaluate((controller) => window.agw.call({ controller }), options);
    await echo(page, 'not to be read on the way');
    const done = await page.evaluate(() => window.agw.stages.filter((s) => s.state === 'done').map((s) => s.stage));
    assert.ok(done.includes('tls'), `tls in ${done}`);
    await leave();
    await agw.reaches('agw_contexts', 0);
  });
}

test('agw-controller tells its metrics and health, to who names it rightly', async () => {
  const health = await (await fetch(`${agw.url}healthz`)).json();
  assert.equal(health.registered, true);
  assert.match(await (await fetch(`${agw.url}metrics`)).text(), /^agw_controller_gateways 1$/m);
  const { port } = new URL(agw.url);
  const status = await new Promise((resolve, reject) => {
    const asking = http.get({ host: '127.0.0.1', port, path: '/healthz', headers: { Host: 'rebound.example' } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asking.on('error', reject);
  });
  assert.equal(status, 421);
});

test('calls are spread over two gateways, and a gateway that dies takes its own along', async () => {
  const second = await agw.another();
  const first_call = await visit();
  await first_call.page.evaluate(() => window.agw.call());
  const second_call = await visit();
  await second_call.page.evaluate(() => window.agw.call());
  await echo(first_call.page, 'on one');
  await echo(second_call.page, 'on the other');
  assert.equal(await agw.value('agw_contexts'), 1);
  await second.end();
  const outcome = (page) => page.evaluate(() => window.agw.state.call.cause);
  const deadline = performance.now() + 20000;
  while (!(await outcome(first_call.page)) && !(await outcome(second_call.page)) && performance.now() < deadline) await first_call.page.waitForTimeout(50);
  const [dead, alive] = (await outcome(first_call.page)) ? [first_call, second_call] : [second_call, first_call];
  assert.equal(await outcome(dead.page), 'gateway');
  await echo(alive.page, 'still here');
  await dead.leave();
  await alive.leave();
  await agw.reaches('agw_contexts', 0);
});

test('a call when the gateway checks connectivity by itself (full ICE)', async () => {
  const config = path.join(artefacts, 'full-ice.toml');
  fs.writeFileSync(config, '[ice]\nmode = "full"\n');
  const full = await start(['--config', config]);
  try {
    const { page, leave } = await visit(full);
    await page.evaluate(() => window.agw.call());
    await echo(page, 'both sides check');
    await leave();
    await full.reaches('agw_contexts', 0);
  } finally {
    assert.deepEqual(await full.stop(), [{ code: 0, signal: null }, { code: 0, signal: null }]);
  }
});

test('promtool finds nothing wrong with the metrics', async () => {
  const text = await agw.metrics();
  for (const name of ['agw_contexts', 'agw_terminations', 'agw_stage_duration_seconds_bucket', 'agw_relayed_bytes_total', 'agw_h248_transactions_total']) {
    assert.ok(text.includes(name), name);
  }
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

test('erlang-megaco decodes every H.248 message of these calls', () => {
  assert.ok(wire.size > 30, `${wire.size} messages`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-wire-'));
  let n = 0;
  for (const text of wire) fs.writeFileSync(path.join(folder, `${String(n++).padStart(4, '0')}.txt`), text);
  const script = path.join(path.dirname(new URL(import.meta.url).pathname), '../megaco/decode.escript');
  const out = execFileSync('escript', [script, folder], { encoding: 'utf8', maxBuffer: 1 << 26 });
  assert.match(out, new RegExp(`^${n} decoded, 0 refused$`, 'm'));
});

test('SIGTERM ends contexts, tells the controller, and exits 0', async () => {
  const mine = await start();
  const { page, context } = await visit(mine);
  await page.evaluate(() => window.agw.call());
  assert.equal(await mine.value('agw_contexts'), 1);
  const { code } = await mine.server.end();
  assert.equal(code, 0, mine.server.log);
  await mine.controller.says(/gateway .*gone/);
  await context.close();
  await mine.stop();
});
