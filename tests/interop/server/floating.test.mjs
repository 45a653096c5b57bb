// An address of an interface that is not there at the start, comes, goes and comes again, as with VRRP. In a network namespace of its own.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { free_port, program, until_true } from '../chromium/programs.mjs';
import { mgc } from './mgc.mjs';

const floating = '198.18.0.77';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-floating-'));
const ends = [];
after(async () => {
  for (const end of ends.reverse()) await end();
  fs.rmSync(folder, { recursive: true });
});

const ip = (word) => execFileSync('ip', ['address', word, `${floating}/32`, 'dev', 'lo']);
const soon = (what) => until_true(what, 10000);

async function gateway(lines) {
  const controller = await new mgc().open();
  ends.push(() => controller.die());
  const file = path.join(folder, `${ends.length}.toml`);
  fs.writeFileSync(file, ['[h248]', 'maximum_waiting_delay = "0ms"', '[interfaces.access]', `address = "${floating}"`, ...lines].join('\n'));
  const [own, http] = [await free_port(), await free_port()];
  const mg = new program('agw-server', ['--config', file, '--h248', `127.0.0.1:${own}`, '--mgc', `127.0.0.1:${controller.port}`, '--http', `127.0.0.1:${http}`]);
  ends.push(() => mg.end());
  return { mg, controller, http: `http://127.0.0.1:${http}` };
}

const access = 'C=${A=ip/1/access/${Media{Stream=1{LocalControl{Mode=SendReceive},Local{v=0\r\nc=IN IP4 $\r\nm=application $ UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n}}}}}';
const said = (controller, change) => controller.heard.filter((text) => /SC=ip\/1\/access\/\*/i.test(text) && change.test(text)).length;

test('without floating a start without the address is an error that names it', async () => {
  const { mg } = await gateway([]);
  assert.deepEqual(await mg.ended, { code: 1, signal: null });
  assert.match(mg.log, /error +interfaces\.access\.address: 198\.18\.0\.77 is no address of this machine\n/);
});

test('with floating it starts, tells controller, readiness and metric, and serves calls while the address is there', async () => {
  const { mg, controller, http } = await gateway(['floating = true']);
  await mg.says(/warning interfaces\.access\.address: 198\.18\.0\.77 is no address of this machine yet/);
  await mg.says(/registered with/);
  const up = async () => Number((await (await fetch(`${http}/metrics`)).text()).match(/^agw_interface_up\{interface="access"\} (\d)$/m)[1]);
  const reasons = async () => (await (await fetch(`${http}/readyz`)).json()).reasons;

  await soon(() => said(controller, /MT=FO/i) === 1);
  assert.deepEqual(await reasons(), ['interfaces.access.address: 198.18.0.77 is no address of this machine']);
  assert.equal(await up(), 0);
  assert.match(await controller.ask(access), /ER=/);

  ip('add');
  await soon(() => said(controller, /MT=RS/i) === 1);
  assert.deepEqual(await reasons(), []);
  assert.equal(await up(), 1);
  const reply = await controller.ask(access);
  assert.match(reply, /198\.18\.0\.77/, reply);
  await controller.ask(`C=${reply.match(/C=(\d+)\{/)[1]}{S=*}`);

  ip('del');
  await mg.says(/interface access: 198\.18\.0\.77 is gone/);
  await soon(() => said(controller, /MT=FO/i) === 2);
  assert.equal(await up(), 0);
  assert.equal((await fetch(`${http}/readyz`)).status, 503);
  ip('add');
  await soon(() => said(controller, /MT=RS/i) === 2);
  assert.deepEqual(await mg.end(), { code: 0, signal: null });
});
