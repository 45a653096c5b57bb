// peer.escript from node: megaco as MGC or MG, told in H.248 text what to send and what to answer.
import { spawn } from 'node:child_process';
import path from 'node:path';

const script = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'peer.escript');

export class megaco_peer {
  // `answer(request)` yields the actions of the reply: request = { version, text }. Everything that was heard is in `requests`.
  constructor({ transport = 'udp', host = '127.0.0.1', port = 0, style, name, to, answer }) {
    this.name = name;
    this.requests = [];
    this.troubles = [];
    this.heads = []; // versions that connections began with
    this.version = 1;
    this.waiting = new Map();
    this.watchers = new Set();
    this.answer = answer;
    this.tag = 0;
    const more = to ? [to.address, String(to.port)] : [];
    this.child = spawn('escript', [script, transport, host, String(port), style, name, ...more], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.child.on('exit', resolve));
    this.child.stdin.on('error', () => {});
    this.complaints = '';
    this.child.stderr.on('data', (data) => (this.complaints += data));
    let rest = '';
    this.child.stdout.on('data', (data) => {
      const lines = (rest + data).split('\n');
      rest = lines.pop();
      for (const line of lines) this.take(line);
    });
    this.listening = new Promise((resolve, reject) => {
      this.listens = resolve;
      this.child.on('close', () => reject(new Error(`${name} ended: ${this.complaints}`)));
    });
    this.listening.catch(() => {});
  }

  say(...words) {
    this.child.stdin.write(`${words.join(' ')}\n`);
  }
  whole(kind, actions) {
    return Buffer.from(`MEGACO/${this.version} ${this.name}\n${kind} = 1 {\n${actions}\n}\n`).toString('base64');
  }

  take(line) {
    const [word, ...rest] = line.split(' ');
    const text = (encoded) => Buffer.from(encoded, 'base64').toString('latin1');
    if (word === 'listening') this.listens(Number(rest[0]));
    else if (word === 'connected') this.heads.push(Number(rest[0]));
    else if (word === 'request') {
      const request = { version: Number(rest[1]), text: text(rest[2]) };
      const actions = this.answer(request, this); // may change our version
      this.requests.push(request);
      this.say('version', this.version);
      if (actions !== undefined) this.say('reply', rest[0], this.whole('Reply', actions));
    } else if (word === 'reply') this.settle(rest[0], (w) => w.resolve(text(rest[1])));
    else if (word === 'refused') this.settle(rest[0], (w) => w.resolve(`Error = ${rest[1]} { }`));
    else if (word === 'failed') this.settle(rest[0], (w) => w.reject(new Error(`${w.what}: ${line}`)));
    else this.troubles.push(line);
    for (const watcher of this.watchers) watcher();
  }
  settle(tag, what) {
    const waiting = this.waiting.get(tag);
    this.waiting.delete(tag);
    if (waiting) what(waiting);
  }

  // The text of the reply to a transaction with these actions.
  request(actions) {
    const tag = `t${++this.tag}`;
    return new Promise((resolve, reject) => {
      this.waiting.set(tag, { resolve, reject, what: actions });
      this.say('version', this.version);
      this.say('request', tag, this.whole('Transaction', actions));
    });
  }

  // The first request, past or future, that the pattern fits; `after` leaves out that many of the oldest.
  async heard(pattern, { after = 0, ms = 20000 } = {}) {
    const find = () => this.requests.slice(after).find((r) => pattern.test(r.text));
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.watchers.delete(look);
        const all = this.requests.map((r) => r.text).join('\n');
        reject(new Error(`${this.name} never heard ${pattern}; it heard:\n${all}\n${this.troubles.join('\n')}\n${this.complaints}`));
      }, ms);
      const look = () => {
        const hit = find();
        if (!hit) return;
        clearTimeout(limit);
        this.watchers.delete(look);
        resolve(hit);
      };
      this.watchers.add(look);
      look();
    });
  }

  // Gone without a word.
  async vanish() {
    this.child.kill('SIGKILL');
    return this.ended;
  }
  async end() {
    this.child.stdin.end();
    return this.ended;
  }
}
