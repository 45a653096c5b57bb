// Calls over bad networks: all that is sent arrives once and whole, or the call ends with a reason that says why. AGW_NETWORKS=all brings the long cases
// and the other peers: hours are what it is for. AGW_LOG_LEVEL=debug shows what the gateway did in a call that failed.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { start, ws_of } from '../chromium/programs.mjs';
import { peers } from '../peers/peers.mjs';
import { gateway_address, network, wic_address } from './network.mjs';

const all = process.env.AGW_NETWORKS === 'all';
const everyone = all ? ['pion', 'aiortc', 'chromium', 'libdatachannel'] : ['pion'];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-networks-'));
const later = (ms) => new Promise((done) => setTimeout(done, ms));
let net;
let agw;

before(async () => {
  const config = path.join(folder, 'agw-server.toml');
  fs.writeFileSync(config, '[ice]\nconsent_timeout = "8s"\n[dtls]\nmtu = 1400\n');
  net = await network.make();
  const log = process.env.AGW_LOG_LEVEL ? ['--log-level', process.env.AGW_LOG_LEVEL] : [];
  agw = await start(['--access', gateway_address, '--config', config, ...log], { address: gateway_address });
});
after(async () => {
  await agw?.stop();
  await net?.end();
  fs.rmSync(folder, { recursive: true });
});

const good = ['delay 0', 'loss 0', 'reorder 0', 'duplicate 0', 'rate 0', 'mtu 65535', 'join'];
const call = { by: 'wic', channel: 'dcep', dtls: 'active', end: 'release', text: 1000, chunk: 16_000, file: 300_000 };

async function make(name, row) {
  const peer = peers[name];
  const url = ws_of(agw.url);
  await peer.start({ prefix: net.prefix, address: wic_address });
  try {
    return await peer.call(url, { ...call, ...row });
  } finally {
    await peer.end();
  }
}

// `orders`: before the call. `during(set)`: while it runs. `ends`: the cause that it has to end with. `loses`: packets have to be lost for the case to say
// anything.
function over(what, orders, { row = {}, during, ends, loses = false, long = false, names = everyone } = {}) {
  if (long && !all) return;
  for (const name of names) {
    test(`${name}: ${what}`, async () => {
      await net.set(...good, ...orders);
      const log = agw.server.log.length;
      const before = await net.counts();
      let running = true;
      const calling = make(name, row).finally(() => (running = false));
      const changes = during?.((...changed) => {
        assert.ok(running || changed[0] === 'join', `the call was over before ${changed}: it has to take longer`);
        return net.set(...changed);
      });
      const report = await calling;
      await changes;
      const after = await net.counts();
      if (loses) assert.ok(after.lost > before.lost, 'the link lost nothing');
      await net.set(...good);
      const said = `${JSON.stringify(report)}\n${agw.server.log.slice(log)}`;
      if (ends) assert.match(String(report.cause), ends, said);
      else assert.ok(report.ok, said);
      await agw.reaches('agw_contexts', 0, 60_000);
    });
  }
}

const cut = (ms) => async (set) => {
  await later(1500);
  await set('cut');
  await later(ms);
  await set('join');
};

over('no fault at all', []);
over('1 % of the packets are lost', ['delay 10', 'loss 0.01'], { loses: true });
over('5 % are lost', ['delay 10', 'loss 0.05'], { loses: true, row: { file: 100_000 } });
// Pion doubles its retransmission timer up to 60 s, until a round trip is measured.
over('20 % are lost', ['delay 10', 'loss 0.2'], { loses: true, row: { file: 20_000, chunk: 2_000, patience_s: 200 } });
over('200 ms and 50 more or less, which reorders', ['delay 100 25'], { row: { file: 100_000 } });
over('every tenth packet overtakes the others, every twentieth comes twice', ['delay 20', 'reorder 0.1', 'duplicate 0.05']);
over('1 Mbit/s with a queue of 64 KB', ['delay 20', 'rate 1 64'], { row: { file: 200_000 } });
// Pion and aiortc send packets of 1293 octets themselves.
over('packets above 1280 octets vanish', ['delay 5', 'mtu 1280'], { loses: true, names: ['wrtc'] });
over('a cut of 3 s', ['delay 10', 'rate 2 64'], {
  loses: true,
  row: { file: 500_000 },
  during: cut(3000),
});
over('a cut that lasts', ['delay 10', 'rate 2 64'], {
  loses: true,
  row: { file: 500_000 },
  ends: /ice:consent/,
  during: cut(14_000),
});
over('a NAT that gives another port', ['delay 10', 'rate 2 64'], {
  loses: true,
  row: { file: 500_000 },
  during: async (set) => {
    await later(1500);
    await set('port');
  },
});
over('a NAT that gives another address, and another port twice', ['delay 10', 'rate 2 64'], {
  row: { file: 1_000_000 },
  during: async (set) => {
    await later(1500);
    await set('address');
    await later(1500);
    await set('port');
    await later(1500);
    await set('port');
  },
});
over('a cut of 60 s', ['delay 10', 'rate 2 64'], {
  long: true,
  loses: true,
  row: { file: 500_000 },
  ends: /ice:consent/,
  during: cut(60_000),
});
over('5 % are lost, of much', ['delay 25', 'loss 0.05'], { long: true, row: { file: 3_000_000 } });

// One for the connectivity check, two for DTLS and one for SCTP are what it takes; the rest is what two programs do on a busy machine.
for (const dtls of ['active', 'passive']) {
  test(`chromium, ${dtls} in DTLS: the channel is open within five round trips`, async (t) => {
    await net.set(...good, 'delay 100');
    const round_trips = [];
    for (let i = 0; i < 2; ++i) {
      const report = await make('chromium', { dtls, file: 0 });
      assert.ok(report.ok, JSON.stringify(report));
      round_trips.push(report.open_ms / 200);
    }
    t.diagnostic(`round trips: ${round_trips.map((n) => n.toFixed(2)).join(' ')}`);
    assert.ok(Math.min(...round_trips) < 5, `${round_trips}`);
    await net.set(...good);
  });
}

test('the gateway ends in good order after all of this', async () => {
  assert.deepEqual((await agw.stop())[0], { code: 0, signal: null });
});
