// Debian's Firefox, headless, driven by WebDriver BiDi.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';

// Without these, Firefox keeps its media away from loopback and asks its user for things.
const preferences = {
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.peerconnection.ice.default_address_only': false,
  'media.navigator.permission.disabled': true,
  'media.navigator.streams.fake': true,
  'network.proxy.type': 0,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'app.update.enabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'remote.active-protocols': 1,
};

export class firefox {
  // `prefix`: a command that runs it, for example in a namespace; `extra`: further preferences.
  static async launch({ prefix = [], extra = {} } = {}) {
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-firefox-'));
    const lines = Object.entries({ ...preferences, ...extra }).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
    fs.writeFileSync(path.join(profile, 'user.js'), lines.join('\n'));
    const command = [...prefix, process.env.FIREFOX ?? '/usr/bin/firefox-esr', '--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'];
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: '1' } });
    const out = new firefox(child, profile);
    let said = '';
    const url = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Firefox does not listen: ${said.slice(-2000)}`)), 60_000);
      child.on('exit', () => reject(new Error(`Firefox has ended: ${said.slice(-2000)}`)));
      child.stderr.on('data', (data) => {
        said += data;
        const hit = said.match(/WebDriver BiDi listening on (ws:\S+)/);
        if (!hit) return;
        clearTimeout(timer);
        resolve(hit[1]);
      });
    });
    await out.#connect(`${url}/session`);
    return out;
  }

  constructor(child, profile) {
    this.child = child;
    this.profile = profile;
    this.ended = new Promise((resolve) => child.on('exit', resolve));
    this.waiting = new Map();
    this.last = 0;
  }

  // A page at the address; `evaluate(text)` yields what the JavaScript comes to, awaited, as JSON has it.
  async open(address) {
    const { context } = await this.#ask('browsingContext.create', { type: 'tab' });
    await this.#ask('browsingContext.navigate', { context, url: address, wait: 'complete' });
    return {
      evaluate: async (text) => {
        const expression = `(async () => JSON.stringify(await (${text})))()`;
        const { type, result, exceptionDetails } = await this.#ask('script.evaluate', { expression, target: { context }, awaitPromise: true });
        if (type !== 'success') throw new Error(exceptionDetails.text);
        return result.value === undefined ? undefined : JSON.parse(result.value);
      },
      close: () => this.#ask('browsingContext.close', { context }),
    };
  }

  async close() {
    this.socket?.terminate();
    if (this.child.exitCode === null) this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await this.ended;
    clearTimeout(late);
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async #connect(url) {
    this.socket = new WebSocket(url);
    await new Promise((open, refused) => this.socket.on('open', open).on('error', refused));
    this.socket.on('message', (data) => {
      const message = JSON.parse(data);
      const waits = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.type === 'error') waits?.reject(new Error(`${message.error}: ${message.message}`));
      else waits?.resolve(message.result);
    });
    this.socket.on('close', () => {
      for (const waits of this.waiting.values()) waits.reject(new Error('Firefox has gone'));
    });
    await this.#ask('session.new', { capabilities: {} });
  }
  #ask(method, params) {
    const id = ++this.last;
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }
}
