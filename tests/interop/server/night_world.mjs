// An agw-server of its own, its controller and its calls, with what an operator sees of them: the log and /metrics.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { free_port, program } from '../chromium/programs.mjs';
import { living_call, place_call } from './living_call.mjs';
import { mgc } from './mgc.mjs';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
export const later = (ms) => new Promise((done) => setTimeout(done, ms));

// --- the notation of the guide's table ---------------------------------------------------------------------------------------------
// A line: "…" stands for anything.
export const pattern_of = (line) => new RegExp(line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^\\n]*'));

// A metric: series{label="value"} with "= 0", "> 0", "< time()" or "rises".
export function condition_of(text) {
  const [, name, labels, op, value] = text.match(/^(\w+)(?:\{(.*)\})? (=|>|<|rises)(?: (\S+))?$/);
  const wanted = [...(labels ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, label, is]) => [label, is]);
  const of = (samples) => samples.filter((s) => s.name === name && wanted.every(([label, is]) => is === '…' ? label in s.labels : s.labels[label] === is)).map((s) => s.value);
  const limit = () => (value === 'time()' ? Date.now() / 1000 : Number(value));
  return (samples, before) => {
    const now = of(samples);
    if (now.length === 0) return false;
    if (op === 'rises') return before && sum(now) > sum(of(before)) && of(before).length > 0; // it was there with 0
    return now.every((v) => (op === '=' ? v === limit() : op === '>' ? v > limit() : v < limit()));
  };
}
const sum = (values) => values.reduce((all, one) => all + one, 0);

// "h248.silence + 3 s" in milliseconds; what `config` does not say is as in agw-server.toml.
export function duration_of(text, config) {
  const units = { ms: 1, s: 1000, min: 60000, h: 3600000 };
  const ms = (duration) => {
    const [, number, unit] = duration.match(/^(\d+) ?(ms|s|min|h)$/);
    return number * units[unit];
  };
  return sum(text.split(' + ').map((term) => {
    const key = term.match(/^(\w+)\.(\w+)$/);
    return ms(key ? config[key[1]]?.[key[2]] ?? shipped(key[1], key[2]) : term);
  }));
}
function shipped(table, key) {
  const text = fs.readFileSync(path.join(here, '../../../apps/server/agw-server.toml'), 'utf8');
  return text.match(new RegExp(`^\\[${table}\\]\\n(?:(?!\\[)[^\\n]*\\n)*?${key} = "([^"]*)"`, 'm'))[1];
}

function samples_of(text) {
  return [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name, labels, value]) => ({
    name,
    labels: Object.fromEntries([...(labels ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, is]) => [label, is])),
    value: Number(value),
  }));
}

const toml = (tables) => Object.entries(tables).map(([name, keys]) =>
  `[${name}]\n${Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join('')}`).join('');

// A test that is ended leaves neither processes nor mounts behind.
const at_last = new Set();
process.once('exit', () => at_last.forEach((what) => what()));
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(1));

export const quick = { silence: '2s', t_max: '3s', attempt_timeout: '2s', min_retry_delay: '200ms', max_retry_delay: '1s', maximum_waiting_delay: '0ms' };
let ranges = 0;

export class world {
  constructor(folder, config = {}) {
    this.folder = fs.mkdtempSync(path.join(folder, 'world-'));
    const low = 20000 + 300 * ranges++;
    this.config = { ports: { low, high: low + 299 }, ...config, h248: { ...quick, ...config.h248 } };
    this.mgc = new mgc();
    this.calls = [];
    this.ends = [];
    this.lasts = [];
  }
  file(name) {
    return path.join(this.folder, name);
  }
  write_config() {
    fs.writeFileSync(this.file('agw.toml'), toml(this.config));
  }
  // `fd`, `env`: as program has them. Runs before it listens where `waits` is false.
  async start({ fd, env, waits = true, options = [] } = {}) {
    if (!this.mgc.port) await this.mgc.open();
    this.write_config();
    const [own, listens] = [await free_port(), await free_port()];
    const all = ['--config', this.file('agw.toml'), '--h248', `127.0.0.1:${own}`, '--mgc', `127.0.0.1:${this.mgc.port}`, '--http', `127.0.0.1:${listens}`, ...options];
    this.http = `http://127.0.0.1:${listens}`;
    this.mg = new program('agw-server', all, { fd, env });
    this.last(() => this.mg.child.kill('SIGKILL'));
    if (!waits) return;
    for (const until = performance.now() + 30000; !(await this.is_registered()); await later(50)) {
      assert.ok(performance.now() < until && this.mg.child.exitCode === null, `it does not register: ${this.log()}`);
    }
  }
  // Where the log goes elsewhere, a fault says how it is read.
  log() {
    return this.mg.log;
  }
  is_registered() {
    return this.samples().then((all) => all.some((s) => s.name === 'agw_registered' && s.value === 1), () => false);
  }
  // Its end, when nothing has ended in order.
  last(what) {
    this.lasts.push(what);
    at_last.add(what);
  }
  // On a connection of its own, as curl has it. { up: 0 } where nobody answers.
  async samples() {
    const text = await new Promise((resolve, reject) => {
      const asked = http.get(`${this.http}/metrics`, { agent: false, timeout: 3000 }, (answer) => {
        let all = '';
        answer.on('data', (data) => (all += data)).on('end', () => resolve(all)).on('error', reject);
      });
      asked.on('error', reject).on('timeout', () => asked.destroy(new Error('/metrics does not answer')));
    }).catch(() => undefined);
    return text === undefined ? [{ name: 'up', labels: {}, value: 0 }] : samples_of(text);
  }
  async live() {
    return this.keep(await living_call(this.mgc));
  }
  // A call that need not come up.
  async call(how) {
    return this.keep(await place_call(this.mgc, how));
  }
  keep(call) {
    this.calls.push(call);
    this.last(call.kill);
    return call;
  }
  core(port, protocol = 'TCP', setup = 'active') {
    return `Media{Stream=2{LocalControl{Mode=SendReceive},Local{v=0\r\nc=IN IP4 $\r\nm=message $ ${protocol} *\r\na=setup:${setup}\r\n}` +
      (port ? `,Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=message ${port} ${protocol} *\r\na=setup:passive\r\n}` : '') + '}}';
  }
  // A termination towards the core, without a WIC.
  add(media) {
    return this.mgc.ask(`C=\${A=ip/1/core/\${${media}}}`);
  }
  async end() {
    for (const call of this.calls) await call.end();
    const ran = this.mg?.child.exitCode === null;
    const stuck = ran && setTimeout(() => this.mg.child.kill('SIGKILL'), 15000);
    const end = await this.mg?.end();
    clearTimeout(stuck);
    for (const one of this.ends.reverse()) await one();
    await this.mgc.die();
    for (const what of this.lasts) at_last.delete(what);
    if (ran) assert.deepEqual(end, { code: 0, signal: null });
  }
}
