// A bad network: a namespace for the WIC, joined to the test's own by a link that does what it is told. Own side: 198.19.0.254; the WIC: 198.19.0.2.
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';

const bin = process.env.AGW_BIN ?? path.resolve('build/bin');
const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });

export const gateway_address = '198.19.0.254';
export const wic_address = '198.19.0.2';

export class network {
  static async make(seed = 1) {
    const out = new network();
    out.name = `agw${process.pid}`;
    ip('netns', 'add', out.name);
    out.link = spawn(path.join(bin, 'agw_test_link'), [out.name, '-', String(seed)], { stdio: ['pipe', 'pipe', 'inherit'] });
    out.ended = new Promise((resolve) => out.link.on('exit', resolve));
    try {
      await out.#set_up();
    } catch (error) {
      await out.end(); // the link would keep the test's process alive
      throw error;
    }
    return out;
  }

  async #set_up() {
    this.waiting = [];
    let said = '';
    this.link.stdout.on('data', (data) => {
      said += data;
      for (let end; (end = said.indexOf('\n')) >= 0; said = said.slice(end + 1)) this.waiting.shift()?.(said.slice(0, end));
    });
    const up = await this.#answer();
    if (up !== 'up') throw new Error(`the link says ${up}`);
    const device = (words, address) => {
      ip(...words, 'address', 'add', `${address}/24`, 'dev', 'link0');
      // The device's own queue must not be what loses packets.
      ip(...words, 'link', 'set', 'link0', 'mtu', '1500', 'txqueuelen', '10000', 'up');
    };
    ip('-n', this.name, 'link', 'set', 'lo', 'up');
    device(['-n', this.name], wic_address);
    device([], gateway_address);
  }

  // What runs a program on the WIC's side.
  get prefix() {
    return ['ip', 'netns', 'exec', this.name];
  }
  // Orders of agw_test_link, in a row.
  async set(...orders) {
    for (const order of orders) {
      this.link.stdin.write(`${order}\n`);
      const said = await this.#answer();
      if (!said.startsWith('ok')) throw new Error(`the link says ${said}`);
    }
  }
  async counts() {
    this.link.stdin.write('counts\n');
    const [, passed, lost] = (await this.#answer()).split(' ').map(Number);
    return { passed, lost };
  }
  async end() {
    this.link.stdin.end();
    await this.ended;
    ip('netns', 'delete', this.name);
  }

  #answer() {
    return new Promise((resolve, reject) => {
      this.waiting.push(resolve);
      this.ended.then(() => reject(new Error('the link has ended')));
    });
  }
}
