// Browsers in awkward networks: a NAT that gives them another port in mid-call, against both kinds of ICE agent, and one without UDP.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { launch, open } from '../chromium/browser.mjs';
import { start } from '../chromium/programs.mjs';
import { firefox } from '../peers/firefox.mjs';
import { behind_nat, make_nat } from './nat.mjs';

// Consent checks of browsers come each 2 to 6 seconds, SCTP's retransmissions later still; without a sign for 30 s the call would end.
const patience = 25000;

// Ports that are free now, one after the other.
async function free_range(count) {
  for (let low = 42000 + Math.floor(Math.random() * 10000); low < 60000; low += count) {
    const sockets = Array.from({ length: count }, () => dgram.createSocket('udp4'));
    const taken = await Promise.all(
      sockets.map(
        (socket, i) =>
          new Promise((done) => {
            socket.once('error', () => done(true));
            socket.bind(low + i, '127.0.0.1', () => done(false));
          }),
      ),
    );
    for (const socket of sockets) socket.close();
    if (!taken.includes(true)) return low;
  }
  throw new Error('no free ports');
}

const browsers = {
  async Chromium() {
    const browser = await launch();
    const { page } = await open(browser);
    return {
      goto: (url) => page.goto(url),
      evaluate: (f, ...values) => page.evaluate(`(${f})(...${JSON.stringify(values)})`),
      close: () => browser.close(),
    };
  },
  async Firefox() {
    // The NAT is on another address than loopback.
    const browser = await firefox.launch({ extra: { 'media.peerconnection.ice.loopback': false } });
    let page;
    return {
      goto: async (url) => (page = await browser.open(url)),
      evaluate: (f, ...values) => page.evaluate(`(${f})(...${JSON.stringify(values)})`),
      close: () => browser.close(),
    };
  },
};

const echoed = (page, text, ms) =>
  page.evaluate(
    (text, ms) => {
      window.agw.sendText(text);
      const timeout = new Promise((_, fail) => setTimeout(() => fail(new Error(`no echo of "${text}" within ${ms} ms`)), ms));
      return Promise.race([window.agw.waitFor({ kind: 'text', text }), timeout]).then(() => true);
    },
    text,
    ms,
  );

// Runs in the page: as in a network that lets no UDP through, the gateway's UDP candidate leads nowhere.
function without_udp(nowhere) {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const sdp = description.sdp.replace(/^(a=candidate:\S+ 1 udp \d+ \S+ )\d+/gim, (_, before) => before + nowhere);
    return set.call(this, { type: description.type, sdp });
  };
}

test('Chromium calls by TCP where UDP is blocked', async () => {
  const config = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'agw-tcp-')), 'tcp.toml');
  fs.writeFileSync(config, '[ice]\ntcp = true\n');
  const silent = dgram.createSocket('udp4');
  await new Promise((done) => silent.bind(0, '127.0.0.1', done));
  const agw = await start(['--config', config]);
  const page = await browsers.Chromium();
  try {
    await page.goto(agw.url);
    await page.evaluate(async () => {
      while (!window.agw?.state.gateway?.registered) await new Promise((later) => setTimeout(later, 50));
    });
    await page.evaluate(without_udp, silent.address().port);
    await page.evaluate(() => window.agw.call().then(() => true));
    await echoed(page, 'by TCP', patience);
    const size = await page.evaluate(async () => {
      await window.agw.sendFile('tcp.bin', 4 * 1024 * 1024);
      return (await window.agw.waitFor({ kind: 'file', name: 'tcp.bin' })).size;
    });
    assert.equal(size, 4 * 1024 * 1024);
  } finally {
    await page.close();
    await agw.stop();
    silent.close();
  }
});

for (const [name, make] of Object.entries(browsers)) {
  for (const mode of ['lite', 'full']) {
    test(`${name}'s call goes on when its NAT gives it another port, twice (${mode} ICE)`, async () => {
      const low = await free_range(6);
      const config = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'agw-nat-')), 'nat.toml');
      fs.writeFileSync(config, `[ice]\nmode = "${mode}"\n[ports]\nlow = ${low}\nhigh = ${low + 5}\n`);
      const nat = await make_nat(low, low + 5);
      const agw = await start(['--config', config]);
      const page = await make();
      try {
        await page.goto(agw.url);
        await page.evaluate(async () => {
          while (!window.agw?.state.gateway?.registered) await new Promise((later) => setTimeout(later, 50));
        });
        await page.evaluate(behind_nat, nat.inside, nat.ports);
        await page.evaluate(() => window.agw.call().then(() => true));
        await echoed(page, 'before', patience);
        assert.ok(nat.counted.in > 0 && nat.counted.out > 0, 'the call does not pass the NAT');
        for (const text of ['after a move', 'after another']) {
          nat.move();
          await echoed(page, text, patience);
        }
        assert.equal(await agw.value('agw_contexts'), 1);
      } finally {
        await page.close();
        await agw.stop();
        nat.close();
      }
    });
  }
}
