// agw-server as a process: SIGHUP, the file descriptor limit.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { free_udp_port, program } from '../chromium/programs.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-process-'));
const running = new Set();
after(async () => {
  await Promise.all([...running].map((p) => p.end()));
  fs.rmSync(folder, { recursive: true });
});

async function gateway(lines) {
  const file = path.join(folder, `${running.size}.toml`);
  fs.writeFileSync(file, lines.join('\n'));
  const [own, far] = [await free_udp_port(), await free_udp_port()];
  const started = new program('agw-server', ['--config', file, '--h248', `127.0.0.1:${own}`, '--mgc', `127.0.0.1:${far}`, '--http', '127.0.0.1:0']);
  running.add(started);
  await started.says(/HTTP on (\S+),/);
  return started;
}

function certificate() {
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => path.join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=agw', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return [cert, key];
}

const times = (log, pattern) => [...log.matchAll(pattern)].length;

test('SIGHUP reads certificates again, keeps the old ones when they are broken, and ends nothing', async () => {
  const [cert, key] = certificate();
  const mg = await gateway(['[dtls]', `certificate = "${cert}"`, `key = "${key}"`]);
  certificate();
  mg.child.kill('SIGHUP');
  await mg.says(/signal 1: certificates were read again/);
  fs.writeFileSync(cert, 'nothing');
  mg.child.kill('SIGHUP');
  await mg.says(/signal 1: the certificates stay as they were/);
  certificate();
  mg.child.kill('SIGHUP');
  await mg.says(/certificates were read again[^]*certificates were read again/);
  assert.equal(times(mg.log, /the certificates stay as they were/g), 1);
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});

test('the descriptor limit is raised, and a configuration that needs more is warned of with figures', async () => {
  const mg = await gateway(['[limits]', 'contexts = 10000000']);
  const [, soft, hard] = fs.readFileSync(`/proc/${mg.child.pid}/limits`, 'utf8').match(/Max open files\s+(\S+)\s+(\S+)/);
  assert.equal(soft, hard);
  if (hard !== 'unlimited' && Number(hard) < 20000000) {
    await mg.says(new RegExp(`limits\\.contexts = 10000000 needs \\d+ file descriptors, 2 for each call; the hard limit \\(RLIMIT_NOFILE\\) is ${hard}`));
  }
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});
