// agw-server and agw-controller as the tests run them: on free ports, ended by pid, with what they logged.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

export const bin = process.env.AGW_BIN ?? path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../../build/bin');

// Free for UDP and for TCP: a port that only one of them has free is what made a test fail once in a while.
export async function free_port() {
  for (;;) {
    const socket = dgram.createSocket('udp4');
    await new Promise((bound) => socket.bind(0, '127.0.0.1', bound));
    const { port } = socket.address();
    const server = net.createServer();
    const free = await new Promise((settled) => server.once('error', () => settled(false)).listen(port, '127.0.0.1', () => settled(true)));
    if (free) await new Promise((closed) => server.close(closed));
    await new Promise((closed) => socket.close(closed));
    if (free) return port;
  }
}

export async function until_true(what, ms = 20000) {
  for (const until = performance.now() + ms; performance.now() < until; await new Promise((later) => setTimeout(later, 50))) {
    if (await what()) return;
  }
  assert.fail(`never: ${what}`);
}

export class program {
  // `fd` takes the place of its standard error: what it says there is not seen here.
  constructor(name, options, { fd = 'pipe', env = {} } = {}) {
    this.name = name;
    this.log = '';
    this.child = spawn(path.join(bin, name), options, { stdio: ['ignore', 'pipe', fd], env: { ...process.env, ...env } });
    this.ended = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve({ code, signal })));
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.on('data', (data) => (this.log += data));
  }
  async says(pattern, ms = 20000) {
    for (const until = performance.now() + ms; performance.now() < until; ) {
      const hit = this.log.match(pattern);
      if (hit) return hit;
      if (this.child.exitCode !== null) break;
      await new Promise((later) => setTimeout(later, 25));
    }
    throw new Error(`${this.name} never said ${pattern}; its log:\n${this.log.slice(-3000)}`);
  }
  async end() {
    if (this.child.exitCode === null) this.child.kill('SIGTERM');
    return this.ended;
  }
  rss_kib() {
    return Number(fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);
  }
  // User and system time so far; the kernel counts 100 ticks a second.
  cpu_ms() {
    const fields = fs.readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return 10 * (Number(fields[11]) + Number(fields[12]));
  }
}

// Where WICs signal to the controller at `url`.
export const ws_of = (url) => `${url.replace('http', 'ws').replace(/\/$/, '')}/ws`;

// Both, registered with each other. `server_options`: further options of agw-server. `address`: where WICs reach the controller.
export async function start(server_options = [], { address = '127.0.0.1' } = {}) {
  const [mg, mgc] = [await free_port(), await free_port()];
  const controller = new program('agw-controller', ['--h248', `127.0.0.1:${mgc}`, '--http', `${address}:0`]);
  const [, url] = await controller.says(/agw-controller: (http:\S+)/);
  const server = new program('agw-server', ['--h248', `127.0.0.1:${mg}`, '--mgc', `127.0.0.1:${mgc}`, '--http', '127.0.0.1:0', ...server_options]);
  const [, http] = await server.says(/HTTP on (\S+),/);
  await server.says(/registered with/);
  const metrics = async () => (await fetch(`http://${http}/metrics`)).text();
  const value = async (name) => {
    const line = (await metrics()).split('\n').find((l) => l.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
  return {
    server,
    controller,
    url,
    metrics,
    value,
    // Waits until the metric has the value.
    async reaches(name, wanted, ms = 20000) {
      let seen;
      for (const until = performance.now() + ms; performance.now() < until; await new Promise((later) => setTimeout(later, 50))) {
        seen = await value(name);
        if (seen === wanted) return;
      }
      throw new Error(`${name} is ${seen}, not ${wanted}`);
    },
    // One more agw-server at the same controller.
    async another() {
      const port = await free_port();
      const other = new program('agw-server', ['--h248', `127.0.0.1:${port}`, '--mgc', `127.0.0.1:${mgc}`, '--http', '127.0.0.1:0']);
      await other.says(/registered with/);
      return other;
    },
    async stop() {
      const codes = [await server.end(), await controller.end()];
      return codes;
    },
  };
}
