// A capture of control associations on loopback, and what tshark and agw-h248 think of it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';

const bin = process.env.AGW_BIN ?? path.resolve('build/bin');

// A test that is killed leaves no capture behind.
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(1));

// Begins to capture; `ports` are the MGCs'.
export async function capture(file, transport, ports) {
  const filter = ports.map((port) => `${transport} port ${port}`).join(' or ');
  const child = spawn('dumpcap', ['-q', '-i', 'lo', '-f', filter, '-w', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  let said = '';
  const ended = new Promise((resolve) => child.on('exit', resolve));
  await new Promise((resolve, reject) => {
    child.stderr.on('data', (data) => {
      said += data;
      if (/File: /.test(said)) resolve();
    });
    ended.then(() => reject(new Error(said)));
  });
  return {
    async stop() {
      // What was sent just now is still in the kernel's buffer.
      await new Promise((later) => setTimeout(later, 300));
      child.kill('SIGINT');
      await ended;
      running.delete(child);
    },
    // Every message is dissected, none is malformed, and agw-h248 sees the same number of them, `least` at least.
    check(least = 21) {
      const as = ports.flatMap((port) => ['-d', `${transport}.port==${port},megaco`]);
      const tshark = (...options) => spawnSync('tshark', ['-r', file, ...as, ...options], { encoding: 'utf8', maxBuffer: 1 << 28 });
      const lines = (text) => text.split('\n').filter((line) => line !== '').length;
      const messages = lines(tshark('-Y', 'megaco').stdout);
      assert.ok(messages >= least, `${messages} messages`);
      // Not even a note of it.
      const bad = tshark('-Y', '_ws.malformed', '-O', 'megaco');
      assert.equal(bad.stdout, '', bad.stdout);
      assert.equal(bad.status, 0, bad.stderr);
      const ladder = spawnSync(path.join(bin, 'agw-h248'), ['print', '--pcap', file], { encoding: 'utf8', maxBuffer: 1 << 28 });
      assert.equal(ladder.status, 0, ladder.stdout + ladder.stderr);
      assert.doesNotMatch(ladder.stdout + ladder.stderr, /: error \d/);
      return messages;
    },
  };
}
