// Calls to Janus's echo plugin with libdatachannel, for what agw-load cannot play: Janus takes no offer over H.248, and has no way to TCP.
// usage: janus_client.mjs setup|idle|messages URL ADDRESS JANUS_PID SECONDS [SESSIONS [RATE]]     It prints one line of JSON.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(path.resolve(import.meta.dirname, '../../interop/package.json'));
const { PeerConnection, cleanup } = require('node-datachannel');
const [, , scenario, url, address, pid, seconds, sessions = '1', rate = '1'] = process.argv;
const message = Buffer.alloc(200, 'a');
const patience = 10000;

const janus = async (where, body) => {
  const answer = await fetch(`${url}${where}`, { method: 'POST', body: JSON.stringify({ transaction: 't', ...body }) });
  return answer.json();
};
const stat = () => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').map(Number);
const cpu_ms = () => 10 * (stat()[11] + stat()[12]); // a tick has 10 ms
const rss_kb = () => 4 * stat()[21];
const within = (promise, what) => Promise.race([promise, sleep(patience, null, { ref: false }).then(() => Promise.reject(new Error(`no ${what}`)))]);

const session = (await janus('', { janus: 'create' })).data.id;
const answers = new Map(); // by handle
let ending = false;
const listening = (async () => {
  while (!ending) {
    for (const event of [].concat(await (await fetch(`${url}/${session}?maxev=10`)).json())) {
      if (event.jsep) answers.get(event.sender)?.(event.jsep.sdp);
    }
  }
})().catch(() => {});

class call {
  // Up: the first message has come back.
  async begin() {
    this.handle = (await janus(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.echotest' })).data.id;
    const answered = new Promise((resolve) => answers.set(this.handle, resolve));
    this.connection = new PeerConnection('wic', { iceServers: [], bindAddress: address });
    const gathered = new Promise((resolve) => this.connection.onGatheringStateChange((state) => state === 'complete' && resolve()));
    this.channel = this.connection.createDataChannel('load');
    this.channel.onMessage(() => this.came?.());
    const opened = new Promise((resolve) => this.channel.onOpen(resolve));
    await within(gathered, 'candidates');
    const jsep = { type: 'offer', sdp: this.connection.localDescription().sdp };
    await janus(`/${session}/${this.handle}`, { janus: 'message', body: { audio: false, video: false }, jsep });
    this.connection.setRemoteDescription(await within(answered, 'answer'), 'answer');
    await within(opened, 'channel');
    await this.echo();
  }
  async echo() {
    const begin = performance.now();
    const coming = new Promise((resolve) => (this.came = resolve));
    this.channel.sendMessageBinary(message);
    await within(coming, 'echo');
    return performance.now() - begin;
  }
  async end() {
    await janus(`/${session}/${this.handle}`, { janus: 'detach' });
    this.connection.close();
  }
}

const quantile = (values, share) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];
const until = (span) => performance.now() + span * 1000;

async function setup() {
  const times = [];
  const cpu = cpu_ms();
  const start = performance.now();
  const end = until(seconds);
  const play = async () => {
    while (performance.now() < end) {
      const one = new call();
      const begin = performance.now();
      await one.begin();
      times.push(performance.now() - begin);
      await one.end();
    }
  };
  await Promise.all(Array.from({ length: Number(sessions) }, play));
  const calls = times.length / ((performance.now() - start) / 1000);
  return { setup: quantile(times, 0.5), calls, cpu_call: (cpu_ms() - cpu) / times.length };
}

async function standing() {
  const calls = [];
  for (let i = 0; i < Number(sessions); i++) {
    const one = new call();
    await one.begin();
    calls.push(one);
  }
  return calls;
}

async function idle() {
  const before = rss_kb();
  const calls = await standing();
  await sleep(seconds * 1000);
  return { memory: (rss_kb() - before) / calls.length };
}

async function messages() {
  const calls = await standing();
  const times = [];
  const end = until(seconds);
  const play = async (one) => {
    for (let next = performance.now() + Math.random() * 1e3 / rate; next < end; next += (1e3 * calls.length) / rate) {
      await sleep(Math.max(0, next - performance.now()));
      times.push(await one.echo());
    }
  };
  await Promise.all(calls.map(play));
  return { median: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

const figures = await { setup, idle, messages }[scenario]();
ending = true;
process.stdout.write(`${JSON.stringify({ figures })}\n`, () => {
  cleanup();
  process.exit(0);
});
