// What goes wrong at night, and what tells it: the table of apps/server/docs/troubleshooting.md, row by row, with how each fault is made.
//   line    of the log; "…" stands for anything
//   metric  at /metrics
//   within  by then both have told it; keys are those of the configuration
//   config  of the gateway; start: how it is started; alone: no call can live with this fault
//   make    makes the fault. What it yields, if anything, is called when the metric has told it: the fault is over, and the line may come
//   after   what has to be so in the end
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { later } from './night_world.mjs';

async function closed_port() {
  const nobody = net.createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => nobody.once('listening', listening));
  const { port } = nobody.address();
  await new Promise((closed) => nobody.close(closed));
  return port;
}
async function listening(w, server) {
  server.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const sockets = new Set();
  server.on('connection', (s) => sockets.add(s.on('error', () => {})));
  w.ends.push(() => {
    sockets.forEach((s) => s.destroy());
    server.close();
  });
  return server.address().port;
}

// A key, and a certificate that was signed by itself or by `ca`, good for so many days from now.
function certificate(w, name, days, ca) {
  const [key, cert, request] = ['key', 'pem', 'csr'].map((end) => w.file(`${name}.${end}`));
  const openssl = (...words) => execFileSync('openssl', words, { stdio: 'ignore' });
  openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', `basicConstraints=CA:${name === 'ca'}`, '-keyout', key, '-out', request);
  const signed = ca ? ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial'] : ['-signkey', key];
  openssl('x509', '-req', '-in', request, ...signed, '-copy_extensions', 'copy', '-days', String(days), '-out', cert);
  return { key, cert };
}
// A core over TLS whose certificate the gateway is to judge; dialled once.
async function tls_core(w, { cert, key }) {
  const port = await listening(w, tls.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }).on('tlsClientError', () => {}));
  await w.add(w.core(port, 'TCP/TLS'));
}
const with_ca = {
  tls: { ca: 'ca.pem' },
  prepare: (w) => (w.ca = certificate(w, 'ca', 9)),
};

// With a clock of its own, so many seconds ahead of ours; w.set_clock sets it.
async function start_with_clock(w, seconds_ahead) {
  const shim = w.file('set_clock.so');
  execFileSync('gcc', ['-O1', '-shared', '-fPIC', '-o', shim, new URL('set_clock.c', import.meta.url).pathname]);
  w.set_clock = (seconds) => {
    const ahead = Buffer.alloc(8);
    ahead.writeBigInt64LE(BigInt(seconds) * 1000000000n);
    fs.writeFileSync(w.file('clock'), ahead, { flag: fs.existsSync(w.file('clock')) ? 'r+' : 'w' });
  };
  w.set_clock(seconds_ahead);
  const sanitized = [process.env.ASAN_OPTIONS, 'verify_asan_link_order=0'].filter(Boolean).join(':');
  await w.start({ env: { LD_PRELOAD: shim, AGW_CLOCK: w.file('clock'), ASAN_OPTIONS: sanitized } });
}

const until_refused = async (w, media, most = 400) => {
  for (let i = 0; i < most; ++i) {
    const reply = await w.add(media);
    if (/ER=5\d\d/.test(reply)) return reply;
  }
  return assert.fail(`none of ${most} was refused`);
};

export const faults = [
  {
    fault: 'the controller is dead at start',
    line: 'no registration with …: …',
    metric: 'agw_registered{mgc="…"} = 0',
    within: 'h248.maximum_waiting_delay + h248.attempt_timeout + 3 s',
    alone: true,
    async make(w) {
      await w.mgc.open();
      await w.mgc.die();
      await w.start({ waits: false });
      return undefined;
    },
    async after(w) {
      await w.mgc.restart();
      await w.mg.says(/registered with/);
    },
  },
  {
    fault: 'the controller dies idle',
    line: 'lost the MGC …',
    metric: 'agw_registered{mgc="…"} = 0',
    within: 'h248.silence + h248.t_max + 3 s',
    idle: true,
    make: (w) => w.mgc.die(),
  },
  {
    fault: 'the controller dies with calls',
    line: 'lost the MGC …',
    metric: 'agw_ready = 0',
    within: 'h248.silence + h248.t_max + 3 s',
    make: (w) => w.mgc.die(),
    async after(w) {
      await w.mgc.restart(); // which finds the call by an audit, and ends it
      await w.mg.says(/registered with[^]*registered with/);
      assert.match(await w.mgc.ask(`C=${w.calls[0].context}{AV=*{AT{}}}`), /ip\/1\/core/);
      await w.calls[0].release();
    },
  },
  {
    fault: 'the controller restarts',
    line: 'the MGC … does not know us: 505 …',
    metric: 'agw_registrations_total rises',
    within: 'h248.silence + h248.maximum_waiting_delay + 3 s',
    make: (w) => w.mgc.restart(),
  },
  {
    fault: 'the controller sends garbage',
    line: 'a message of … cannot be read: line … column …: expected …',
    metric: 'agw_drops_total{layer="h248",cause="unreadable"} rises',
    within: '3 s',
    make(w) {
      for (const octets of ['!/3 [127.0.0.1]:2944 T=1{C=${A=', '\0\xff'.repeat(500), 'MEGACO/3 [', '!/3 [127.0.0.1]:2944 T=1{C=-{MF=ROOT{M{TS{']) w.mgc.send(Buffer.from(octets, 'latin1'));
    },
    after: (w) => w.live(),
  },
  {
    fault: 'a stranger sends commands',
    line: '… is no address of a controller; …',
    metric: 'agw_drops_total{layer="h248",cause="refused-peer"} rises',
    within: '3 s',
    async make(w) {
      const { gateway } = w.mgc;
      const { mgc } = await import('./mgc.mjs');
      const stranger = await new mgc().open();
      w.ends.push(() => stranger.die());
      stranger.gateway = gateway;
      stranger.say('T=1{C=*{S=*}}');
    },
  },
  {
    fault: 'the access address is not of this machine',
    line: 'interfaces.access.address: … is no address of this machine',
    metric: 'up = 0',
    within: '3 s',
    alone: true,
    async make(w) {
      await w.start({ waits: false, options: ['--access', '192.0.2.77'] });
      assert.deepEqual(await Promise.race([w.mg.ended, later(10000)]), { code: 1, signal: null });
    },
  },
  {
    fault: 'browsers do not reach the access address',
    line: 'failed: ice:timeout…no check came',
    metric: 'agw_stage_failures_total{stage="ice",reason="timeout"} rises',
    within: 'deadlines.ice + 3 s',
    config: { deadlines: { ice: '2s' }, 'interfaces.outside': { address: '127.0.0.1', advertised: ['198.51.100.1'], realm: 'outside' } },
    async make(w) {
      const call = await w.call({ access: 'outside' });
      await call.placed;
    },
  },
  {
    fault: 'the core refuses',
    line: 'failed: tcp:refused…the peer is …',
    metric: 'agw_stage_failures_total{stage="tcp",reason="refused"} rises',
    within: '3 s',
    make: async (w) => void (await w.add(w.core(await closed_port()))),
  },
  {
    fault: 'the core accepts and closes',
    line: 'call ended … cause=core …',
    metric: 'agw_calls_ended_total{cause="core"} rises',
    within: '3 s',
    async make(w) {
      const port = await listening(w, net.createServer((s) => s.once('data', () => s.end())));
      const call = await w.call({ core: { port, path: `msrp://127.0.0.1:${port}/core;tcp` } });
      await call.placed;
      for (let i = 0; i < 100 && !w.mgc.heard.some((text) => /tcpbcc\/BNCChange\b[^}]*Rel/i.test(text)); ++i) await later(50);
      await call.release();
    },
  },
  {
    fault: 'the core accepts and is mute',
    line: 'data comes from the WIC only, for 30 s; …',
    metric: 'agw_one_way_calls > 0',
    within: '30 s + 10 s + 3 s',
    async make(w) {
      const port = await listening(w, net.createServer());
      const call = await w.call({ core: { port, path: `msrp://127.0.0.1:${port}/core;tcp` } });
      await call.placed;
    },
  },
  {
    fault: "the core's certificate is wrong",
    line: 'failed: tls:certificate…the peer is …',
    metric: 'agw_stage_failures_total{stage="tls",reason="certificate"} rises',
    within: '3 s',
    config: { tls: with_ca.tls },
    prepare: with_ca.prepare,
    make: (w) => tls_core(w, certificate(w, 'stranger', 9)),
  },
  {
    fault: "the core's certificate has expired",
    line: 'failed: tls:certificate…expired…',
    metric: 'agw_stage_failures_total{stage="tls",reason="certificate"} rises',
    within: '3 s',
    config: { tls: with_ca.tls },
    prepare: with_ca.prepare,
    make: (w) => tls_core(w, certificate(w, 'old', -1, w.ca)),
  },
  {
    fault: 'our certificate has expired',
    line: 'dtls.certificate: … expired on …',
    metric: 'agw_certificate_expiry_timestamp_seconds{certificate="dtls"} < time()',
    within: '3 s',
    config: { dtls: { certificate: 'own.pem', key: 'own.key' } },
    prepare: (w) => certificate(w, 'own', -1),
    make: () => {}, // from the start on; and WICs, which go by the fingerprint, do not mind
  },
  {
    fault: 'our certificate expires while we run',
    line: 'dtls.certificate: … expired on …',
    metric: 'agw_certificate_expiry_timestamp_seconds{certificate="dtls"} < time()',
    within: '10 s + 3 s',
    config: { dtls: { certificate: 'own.pem', key: 'own.key' } },
    prepare: (w) => certificate(w, 'own', -1),
    async start(w) {
      await start_with_clock(w, -2 * 86400);
      assert.doesNotMatch(w.log(), / expired on /);
    },
    make: (w) => w.set_clock(0),
    after: (w) => w.live(),
  },
  {
    fault: 'our new certificate is broken',
    line: 'signal 1: configuration and certificates stay as they were: …',
    metric: 'agw_last_reload_successful = 0',
    within: '3 s',
    config: { dtls: { certificate: 'own.pem', key: 'own.key' } },
    prepare: (w) => certificate(w, 'own', 9),
    make(w) {
      certificate(w, 'next', 9);
      fs.renameSync(w.file('next.pem'), w.file('own.pem')); // its key is forgotten
      w.mg.child.kill('SIGHUP');
    },
    after: (w) => w.live(),
  },
  {
    fault: 'contexts are out',
    line: 'refused … 412 …',
    metric: 'agw_resources_short_total{resource="contexts"} rises',
    within: '3 s',
    config: { limits: { contexts: 2, overload_percent: 100 } },
    async make(w) {
      const port = await listening(w, net.createServer());
      await w.add(w.core(port));
      assert.match(await w.add(w.core(port)), /ER=412/);
    },
  },
  {
    fault: 'ports are out',
    line: 'refused … 510 …',
    metric: 'agw_resources_short_total{resource="ports"} rises',
    within: '3 s',
    config: { limits: { contexts: 100, overload_percent: 100 } },
    prepare: (w) => (w.config.ports.high = w.config.ports.low + 5),
    make: async (w) => void (await until_refused(w, w.core(0, 'TCP', 'passive'))),
  },
  {
    fault: 'file descriptors are out',
    line: 'refused … 510 …',
    metric: 'agw_resources_short_total{resource="descriptors"} rises',
    within: '3 s',
    config: { limits: { contexts: 100, overload_percent: 100 } },
    async make(w) {
      const { pid } = w.mg.child;
      const most = fs.readdirSync(`/proc/${pid}/fd`).length + 8;
      execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:${most}`]);
      await until_refused(w, w.core(0, 'TCP', 'passive'));
    },
  },
  {
    fault: "the log's reader is stuck",
    line: 'the log dropped … lines: nobody took them in time',
    metric: 'agw_log_blocked_seconds > 1',
    within: '5 s',
    config: { log: { level: 'debug' } },
    async start(w) {
      const fifo = w.file('fifo');
      execFileSync('mkfifo', [fifo]);
      w.reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      const writer = fs.openSync(fifo, 'w');
      let log = '';
      w.log = () => {
        const some = Buffer.alloc(65536);
        try {
          for (let n = 1; !w.stuck && n > 0; log += some.toString('latin1', 0, n)) n = fs.readSync(w.reader, some);
        } catch {} // nothing there now
        return log;
      };
      const reads = setInterval(() => w.log(), 20);
      w.ends.push(() => [clearInterval(reads), fs.closeSync(w.reader)]);
      await w.start({ fd: writer });
      fs.closeSync(writer);
    },
    async make(w) {
      w.stuck = true;
      // A line each, and 8192 fit into the queue; an answer now and then keeps UDP from losing them.
      for (let i = 0; i < 100; ++i) {
        for (let j = 0; j < 100; ++j) w.mgc.send('!/3 [127.0.0.1]:1 P=');
        await w.mgc.ask('C=4711{S=ip/1/core/1}');
      }
      return () => (w.stuck = false);
    },
  },
  {
    fault: 'the disk is full',
    line: 'the log dropped … lines: No space left on device',
    metric: 'agw_log_lines_dropped_total rises',
    within: '3 s',
    async start(w) {
      const disk = w.file('disk');
      fs.mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
      const unmount = () => execFileSync('umount', [disk]);
      w.ends.push(unmount);
      w.last(unmount);
      w.config.log = { file: `${disk}/agw.log` };
      w.log = () => w.mg.log + (fs.existsSync(`${disk}/agw.log`) ? fs.readFileSync(`${disk}/agw.log`, 'utf8') : '');
      await w.start();
    },
    async make(w) {
      const filler = w.file('disk/filler');
      const file = fs.openSync(filler, 'w');
      assert.throws(() => {
        for (;;) fs.writeSync(file, Buffer.alloc(4096, 'x'));
      }, /ENOSPC/);
      fs.closeSync(file);
      for (let i = 0; i < 40; ++i) await w.add(w.core(0, 'TCP', 'passive')); // a line each, until the file's last page is full as well
      return async () => {
        fs.unlinkSync(filler);
        await w.add(w.core(0, 'TCP', 'passive'));
      };
    },
  },
  {
    fault: 'the clock jumps',
    line: 'the system clock was set forward by … s',
    metric: 'agw_clock_steps_total rises',
    within: '3 s',
    start: (w) => start_with_clock(w, 0),
    make: (w) => w.set_clock(7200),
    async after(w) {
      w.set_clock(-7200);
      await w.mg.says(/the system clock was set back by 14400\.\d s/);
      await later(3000); // past h248.silence, and the answer to its question
      assert.equal((await w.samples()).find((s) => s.name === 'agw_registrations_total').value, 1);
      await w.live();
    },
  },
];
