// erlang-megaco's MG side registers with agw-controller, is audited, and answers the requests of a call with SDP of its own. Media never
// comes up, for there is none: what counts is that both sides' H.248 means the same to the other one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { free_udp_port, program } from '../chromium/programs.mjs';
import { error_of } from './call.mjs';
import { megaco_peer } from './peer.mjs';

const bin = process.env.AGW_BIN ?? path.resolve('build/bin');
const fingerprint = Array.from({ length: 32 }, (_, i) => (i + 16).toString(16).toUpperCase()).join(':');
const core = 'v=0\nc=IN IP4 127.0.0.1\nm=message 40012 TCP *\na=setup:passive';
const association =
  `v=0\nc=IN IP4 127.0.0.1\nm=application 40010 UDP/DTLS/SCTP webrtc-datachannel\na=setup:passive\na=fingerprint:sha-256 ${fingerprint}\n` +
  'a=ice-ufrag:megaco00\na=ice-pwd:megacomegacomegacomegaco\na=candidate:1 1 UDP 2130706431 127.0.0.1 40010 typ host\n' +
  'a=sctp-port:5000\na=max-message-size:262144\na=ice-lite';

// One context, 1, with T1 and T2.
function answer({ text }) {
  const [, name, termination] = text.match(/\b(Add|A|Modify|MF|Subtract|S|AuditValue|AV)\s*=\s*([^\s{},]+)/i);
  const word = { a: 'Add', mf: 'Modify', s: 'Subtract', av: 'AuditValue' }[name.toLowerCase()] ?? name;
  if (word === 'AuditValue' && /root/i.test(termination)) return 'Context = - { AuditValue = ROOT }';
  if (word === 'Subtract') return 'Context = 1 { Subtract = ip/1/core/1, Subtract = ip/1/access/1 }';
  if (word !== 'Add') return `Context = 1 { ${word} = ${termination} }`;
  const side = /access/i.test(termination) ? 'access' : 'core';
  const [stream, local] = side === 'access' ? [1, association] : [2, core];
  return `Context = 1 { Add = ip/1/${side}/1 { Media { Stream = ${stream} { Local {\n${local}\n} } } } }`;
}

for (const style of ['pretty', 'compact']) {
  test(`megaco is the controller's gateway: ${style}`, async () => {
    const port = await free_udp_port();
    const controller = new program('agw-controller', ['--h248', `127.0.0.1:${port}`, '--http', '127.0.0.1:0']);
    const [, url] = await controller.says(/agw-controller: (http:\S+)/);
    const mg = new megaco_peer({ style, name: 'mg1', to: { address: '127.0.0.1', port }, answer });
    try {
      await mg.listening;
      const services = 'Method = Restart, Version = 3, Profile = threegiq/1, Reason = "901 Cold Boot"';
      const registered = await mg.request(`Context = - { ServiceChange = ROOT { Services { ${services} } } }`);
      assert.equal(error_of(registered), 0, registered);
      assert.match(registered, /(?:Version|V)\s*=\s*3/i);
      mg.version = 3;
      mg.say('version', 3);

      const wic = spawn(path.join(bin, 'pion-wic'), ['-url', `${url.replace('http', 'ws').replace(/\/$/, '')}/ws`, '-timeout', '3s'], { stdio: 'ignore' });
      const ended = new Promise((resolve) => wic.on('exit', resolve));
      const add = await mg.heard(/\b(?:Add|A)\s*=\s*ip\/1\/core\/\$/i);
      assert.equal(add.version, 3);
      await mg.heard(/\b(?:Modify|MF)\s*=\s*ip\/1\/core\/1/i);
      const access = await mg.heard(/\b(?:Add|A)\s*=\s*ip\/1\/access\/\$/i);
      assert.match(access.text, /DEAGG 1 2/);
      await ended; // no media: the WIC gives up, and the controller subtracts
      await mg.heard(/\b(?:Subtract|S)\s*=\s*\*/i);
      const left = await mg.request('Context = - { ServiceChange = ROOT { Services { Method = Forced, Reason = "905 Termination taken out of service" } } }');
      assert.equal(error_of(left), 0, left);
      assert.deepEqual(mg.troubles.filter((t) => !/disconnected/.test(t)), []);
    } finally {
      await mg.end();
      assert.deepEqual(await controller.end(), { code: 0, signal: null });
    }
  });
}
