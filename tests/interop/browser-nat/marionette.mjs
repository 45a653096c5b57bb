// Firefox's own remote protocol: "<length>:<JSON>" on TCP, [0, id, command, parameters] and [1, id, error, result].
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

async function free_port() {
  const server = net.createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

class connection {
  #socket;
  #buffer = Buffer.alloc(0);
  #waiting = new Map();
  #last = 0;
  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (data) => {
      this.#buffer = Buffer.concat([this.#buffer, data]);
      this.#read();
    });
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('Firefox closed the connection'));
    });
  }
  #read() {
    for (;;) {
      const colon = this.#buffer.indexOf(58);
      if (colon < 0) return;
      const length = Number(this.#buffer.subarray(0, colon));
      if (this.#buffer.length < colon + 1 + length) return;
      const message = JSON.parse(this.#buffer.subarray(colon + 1, colon + 1 + length));
      this.#buffer = this.#buffer.subarray(colon + 1 + length);
      if (!Array.isArray(message)) continue; // the greeting
      const [, id, error, result] = message;
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) reject(new Error(`${error.error}: ${error.message}`));
      else resolve(result);
    }
  }
  command(name, parameters = {}) {
    const id = ++this.#last;
    const text = JSON.stringify([0, id, name, parameters]);
    this.#socket.write(`${Buffer.byteLength(text)}:${text}`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }
  end() {
    this.#socket.destroy();
  }
}

async function connect(port, child) {
  for (const until = performance.now() + 60000; performance.now() < until; await new Promise((later) => setTimeout(later, 100))) {
    if (child.exitCode !== null) break;
    const socket = net.connect(port, '127.0.0.1');
    const done = await new Promise((answer) => {
      socket.once('connect', () => answer(true));
      socket.once('error', () => answer(false));
    });
    if (done) return socket;
  }
  throw new Error('Firefox does not answer');
}

// A page of a fresh Firefox; evaluate(f, ...arguments) as playwright's, with values that JSON can carry.
export async function firefox() {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-firefox-'));
  const port = await free_port();
  const preferences = {
    'marionette.port': port,
    'media.peerconnection.ice.obfuscate_host_addresses': false,
    'browser.shell.checkDefaultBrowser': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'toolkit.telemetry.reportingpolicy.firstRun': false,
    'app.update.enabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'browser.safebrowsing.update.enabled': false,
  };
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
  fs.writeFileSync(path.join(profile, 'user.js'), lines.join(''));
  const program = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
  const child = spawn(program, ['--headless', '--marionette', '--no-remote', '--profile', profile], {
    stdio: 'ignore',
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
  });
  const ended = new Promise((done) => child.on('exit', done));
  const marionette = new connection(await connect(port, child));
  await marionette.command('WebDriver:NewSession', { capabilities: {} });
  await marionette.command('WebDriver:SetTimeouts', { script: 120000, pageLoad: 60000 });
  return {
    goto: (url) => marionette.command('WebDriver:Navigate', { url }),
    async evaluate(f, ...values) {
      const script = `const done = arguments[arguments.length - 1];
        const f = ${f};
        Promise.resolve().then(() => f(...[...arguments].slice(0, -1))).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
      const { value } = await marionette.command('WebDriver:ExecuteAsyncScript', { script, args: values, newSandbox: false, sandbox: null });
      if (value.error) throw new Error(value.error);
      return value.value;
    },
    async close() {
      marionette.command('Marionette:Quit', { flags: ['eForceQuit'] }).catch(() => {});
      await Promise.race([ended, new Promise((later) => setTimeout(later, 10000))]);
      if (child.exitCode === null) child.kill('SIGKILL');
      await ended;
      marionette.end();
      fs.rmSync(profile, { recursive: true, force: true });
    },
  };
}
