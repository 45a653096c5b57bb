// One call of a foreign WIC through an agw-server: controller and core peer are here, the WIC is elsewhere and gets orders.
// usage: wic_run.mjs SETTINGS     JSON: { port, direction, ms, prefix, program }. The gateway registers at 127.0.0.1:port; `program` is the WIC's command,
// without which it is Chromium, run by `prefix`. It prints one line of JSON: { octets, ms, faults }.
import { spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import { launch, open } from '../../interop/chromium/browser.mjs';
import * as say from '../../interop/megaco/call.mjs';
import { mgc as controller } from '../../interop/server/mgc.mjs';

const numbers = 64; // of chunks; they go round
const body_octets = 16384;
const patience_ms = 30_000;
const settings = JSON.parse(process.argv[2]);

const chunk =
  'MSRP agw##### SEND\r\nTo-Path: msrp://peer.invalid:2855/to;tcp\r\nFrom-Path: msrp://peer.invalid:2855/from;tcp\r\nMessage-ID: m#####\r\n' +
  `Byte-Range: 1-${body_octets}/${body_octets}\r\nFailure-Report: no\r\nContent-Type: application/octet-stream\r\n\r\n${'a'.repeat(body_octets)}\r\n` +
  '-------agw#####$\r\n';
const all = Buffer.from(Array.from({ length: numbers }, (_, i) => chunk.replaceAll('#####', String(i).padStart(5, '0'))).join(''));

function within(promise, what) {
  let timer;
  const late = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error(`${what}: nothing for ${patience_ms / 1000} s`)), patience_ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Only TCP holds it back, as no chunk wants a response.
class core_peer {
  async listen() {
    this.server = net.createServer();
    this.joined = new Promise((joined) => this.server.once('connection', joined));
    await new Promise((listens) => this.server.listen(0, '127.0.0.1', listens));
    const { port } = this.server.address();
    Object.assign(this, { port, path: `msrp://127.0.0.1:${port}/core;tcp` });
  }
  async pour() {
    const socket = await within(this.joined, 'the connection to the core');
    socket.on('error', () => {});
    const more = () => !socket.destroyed && socket.write(all, more);
    more();
  }
  // What arrives within that time of the first octet; all of it is compared.
  async hear(ms) {
    const socket = await within(this.joined, 'the connection to the core');
    await within(new Promise((first) => socket.once('readable', first)), 'the first octet');
    const begin = performance.now();
    let octets = 0;
    let fault;
    socket.on('error', (error) => (fault ??= String(error)));
    socket.on('close', () => (fault ??= 'the connection to the core was closed'));
    socket.on('data', (data) => {
      for (let at = 0; at < data.length; ) {
        const expected = all.subarray(octets % all.length, (octets % all.length) + data.length - at);
        if (expected.compare(data, at, at + expected.length)) fault ??= `other octets than were sent, within ${expected.length} behind ${octets}`;
        at += expected.length;
        octets += expected.length;
      }
    });
    await new Promise((over) => setTimeout(over, ms));
    return { octets, ms: performance.now() - begin, fault };
  }
  async close() {
    this.server.close();
    this.joined.then((socket) => socket.destroy());
  }
}

async function chromium_wic() {
  const browser = await launch(settings.prefix);
  const serve = (route) =>
    route.request().url().endsWith('/wic.mjs')
      ? route.fulfill({ path: path.join(import.meta.dirname, 'wic.mjs'), contentType: 'text/javascript' })
      : route.fulfill({ body: '<!doctype html>', contentType: 'text/html' });
  const { page } = await open(browser, 'http://localhost/', { before: (page) => page.route('**', serve) });
  await page.evaluate("import('/wic.mjs').then(({ wic }) => void (globalThis.own = new wic()))");
  return {
    ask: (order, words = {}) => page.evaluate(`own.${order}(${JSON.stringify(words)})`),
    end: () => browser.close(),
  };
}

function program_wic([command, ...words]) {
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((gone) => child.on('close', gone));
  const waiting = [];
  readline.createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line)));
  return {
    ask: (order, words = {}) => {
      child.stdin.write(`${JSON.stringify({ order, ...words })}\n`);
      const dead = ended.then((code) => Promise.reject(new Error(`the WIC ended with ${code}`)));
      return Promise.race([new Promise((answered) => waiting.push(answered)), dead]);
    },
    end: () => {
      child.stdin.end();
      return Promise.race([ended, new Promise((late) => setTimeout(late, 3000))]).then(() => child.kill('SIGKILL'));
    },
  };
}

async function set_up(mgc, wic, core) {
  const ask = async (actions) => {
    const reply = await mgc.ask(actions);
    if (say.error_of(reply)) throw new Error(reply);
    return reply;
  };
  const { sdp } = await within(wic.ask('offer'), 'the offer');
  const reserved = await ask(say.reserve_core());
  const context = say.context_of(reserved);
  await ask(say.configure_core(context, say.termination_of(reserved), say.local_of(reserved, 2), core));
  const granted = await ask(say.configure_access(context, say.remote_of(sdp), 'load', core));
  await within(wic.ask('answer', { sdp: say.answer_of(say.local_of(granted, 1), sdp) }), 'the channel');
}

async function measure(mgc, wic, core) {
  const { direction, ms } = settings;
  await set_up(mgc, wic, core);
  if (direction === 'down') {
    const heard = wic.ask('down', { ms, numbers });
    await core.pour();
    return heard;
  }
  const heard = core.hear(ms);
  await wic.ask('up', { chunk, numbers });
  return heard;
}

const mgc = await new controller().open(settings.port);
const core = new core_peer();
await core.listen();
let wic;
let report;
try {
  wic = settings.program ? program_wic(settings.program) : await chromium_wic();
  for (const until = performance.now() + patience_ms; !mgc.knows; await new Promise((later) => setTimeout(later, 20))) {
    if (performance.now() > until) throw new Error('no gateway registers');
  }
  const { fault, ...figures } = await measure(mgc, wic, core);
  report = { ...figures, faults: fault ? [fault] : [] };
} catch (error) {
  report = { faults: [String(error.message ?? error)] };
}
await wic?.end();
await core.close();
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
