// Calls with every peer there is: in each, every pair of values of any two properties. AGW_PEERS=all makes every call that can be; AGW_PEERS=name,name
// only those peers.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { start, ws_of } from '../chromium/programs.mjs';
import { pairwise, product } from './pairwise.mjs';
import { peers } from './peers.mjs';

const properties = {
  by: ['wic', 'core'],
  // `shared`: lite, at the port of all calls.
  ice: ['lite', 'shared', 'full'],
  path: ['udp', 'tcp'],
  channel: ['dcep', 'agreed'],
  dtls: ['active', 'passive'],
  restart: [false, true],
  end: ['release', 'channel', 'core'],
  // Octets of a chunk's content, and of a message: a text of the one size, a file of the other. 262 144 is the gateway's a=max-message-size.
  chunk: [64, 16_000, 260_000],
  file: [0, 300_000],
};
const text_of = { 64: 64, 16_000: 1_000, 260_000: 16_000 };

const wanted = (process.env.AGW_PEERS ?? '').split(',').filter(Boolean);
const rows_of = wanted.includes('all') ? product : pairwise;
const chosen = Object.keys(peers).filter((name) => wanted.length === 0 || wanted.includes('all') || wanted.includes(name));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-peers-'));
const gateways = {};

before(async () => {
  const with_config = (name, text) => {
    const config = path.join(folder, name);
    fs.writeFileSync(config, text);
    return ['--config', config];
  };
  // Firefox hears nothing from loopback: the test has a network namespace with an address for it.
  const access = ['--access', process.env.AGW_ADDRESS ?? '127.0.0.1'];
  gateways.lite = await start([...access, ...with_config('lite.toml', '[ice]\ntcp = true\n')]);
  gateways.shared = await start([...access, ...with_config('shared.toml', '[ice]\ntcp = true\n[ports]\nshared = true\n')]);
  gateways.full = await start([...access, ...with_config('full.toml', '[ice]\nmode = "full"\ntcp = true\n')]);
});
after(async () => {
  for (const one of Object.values(gateways)) await one.stop();
  fs.rmSync(folder, { recursive: true });
});

for (const name of chosen) {
  test(name, async (t) => {
    const peer = peers[name];
    await peer.start();
    try {
      const reasons = new Set();
      const possible = (row) => {
        const why = peer.cannot(row);
        if (why) reasons.add(why);
        return !why;
      };
      // A file of 300 000 octets in chunks of 64 is 4 700 round trips of the chunk's answer, and shows nothing that 16 000 do not.
      const sensible = (row) => !(row.chunk === 64 && row.file > 0) && possible(row);
      for (const row of rows_of(properties, sensible)) {
        const at = gateways[row.ice];
        await t.test(Object.entries(row).map(([name, value]) => (typeof value === 'boolean' ? (value ? name : `no-${name}`) : value)).join(' '), async () => {
          const before = at.server.log.length;
          const url = ws_of(at.url);
          const report = await peer.call(url, { ...row, text: text_of[row.chunk] });
          assert.ok(report.ok, `${JSON.stringify(report)}\n${at.server.log.slice(before)}`);
          await at.reaches('agw_contexts', 0);
        });
      }
      for (const why of reasons) console.log(`# ${name} ${why}`);
    } finally {
      await peer.end();
    }
  });
}

test('the gateways end in good order after all of this', async () => {
  for (const one of Object.values(gateways)) assert.deepEqual((await one.stop())[0], { code: 0, signal: null });
});
