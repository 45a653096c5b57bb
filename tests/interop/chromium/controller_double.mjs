// Stands in for agw-controller and the gateway where only the page is under test: serves the page's files, speaks the
// WebSocket protocol, and terminates the calls in a second page of the same browser, whose peer connection and MSRP sessions are real.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { flow } from './sample_flow.mjs';

const web = fileURLToPath(new URL('../../../apps/controller/web/', import.meta.url));
const types = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
const policy =
  "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export async function serve() {
  const server = createServer(async (request, response) => {
    const name = request.url === '/' ? 'index.html' : request.url.slice(1);
    try {
      if (!/^[a-z0-9_]+\.(html|css|js|svg)$/.test(name)) throw new Error(name);
      const body =
        name === 'blank.html'
          ? '<!doctype html><title>peer</title><link rel="icon" href="icon.svg">'
          : await readFile(web + name);
      response.writeHead(200, { 'Content-Type': types[name.split('.').pop()], 'Content-Security-Policy': policy }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => new Promise((resolve) => server.close(resolve)) };
}

// In the peer's page: the gateway's and the bot's end of a call.
async function install_peer(max) {
  const [{ MsrpSession }, { random_path }] = await Promise.all([import('/msrp_session.js'), import('/msrp.js')]);
  const calls = new Map();
  // As a gateway, the peer has one address: with several, Chromium changes pairs under load and loses what is on its way.
  const one = (sdp) =>
    sdp
      .split('\r\n')
      .filter((line) => !line.startsWith('a=candidate') || / udp .* 127\.0\.0\.1 /i.test(line))
      .join('\r\n');
  const complete = (pc) =>
    new Promise((resolve) => {
      if (pc.iceGatheringState === 'complete') resolve();
      pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve();
    });
  const echo = (session) => async (message) => {
    if (message.state !== 'complete') return;
    if (message.kind === 'text') return session.send_text(message.text);
    await session.send_text(`received ${message.name}: ${message.received} bytes, SHA-256 ${message.sha256}`).done;
    return session.send_file(message.blob, message.name);
  };
  const attach = (call, entry) => {
    const dc = call.pc.createDataChannel(entry.label, { negotiated: true, id: entry.id, protocol: 'msrp' });
    dc.binaryType = 'arraybuffer';
    const path = random_path();
    call.channels.set(entry.id, { dc, path });
    const start = () => {
      const remote = call.remote?.find((other) => other.id === entry.id) ?? entry;
      const session = new MsrpSession(dc, {
        local: path,
        remote: remote.path,
        max: 65536,
        setup: 'passive',
        onend: (message) => echo(session)(message),
      });
    };
    dc.onopen = start;
    return { id: entry.id, label: entry.label, subprotocol: 'msrp', setup: 'passive', path, max };
  };
  window.peer = {
    async answer(id, sdp, entries) {
      const call = { pc: new RTCPeerConnection(), channels: new Map() };
      calls.set(id, call);
      await call.pc.setRemoteDescription({ type: 'offer', sdp: one(sdp) });
      const channels = entries.map((entry) => attach(call, entry));
      await call.pc.setLocalDescription(await call.pc.createAnswer());
      await complete(call.pc);
      return { sdp: one(call.pc.localDescription.sdp), channels };
    },
    async offer(id, entries) {
      const call = { pc: new RTCPeerConnection(), channels: new Map() };
      calls.set(id, call);
      const channels = entries.map((entry) => ({ ...attach(call, entry), setup: 'actpass' }));
      await call.pc.setLocalDescription(await call.pc.createOffer());
      await complete(call.pc);
      return { sdp: one(call.pc.localDescription.sdp), channels };
    },
    async accept(id, sdp, entries) {
      const call = calls.get(id);
      call.remote = entries;
      await call.pc.setRemoteDescription({ type: 'answer', sdp: one(sdp) });
    },
    modify(id, entries) {
      const call = calls.get(id);
      for (const [known, channel] of call.channels) {
        if (!entries.some((entry) => entry.id === known)) {
          channel.dc.close();
          call.channels.delete(known);
        }
      }
      return entries.map((entry) =>
        call.channels.has(entry.id)
          ? { id: entry.id, label: entry.label, path: call.channels.get(entry.id).path, setup: 'passive' }
          : attach(call, entry),
      );
    },
    release(id) {
      calls.get(id)?.pc.close();
      calls.delete(id);
    },
    get calls() {
      return calls.size;
    },
  };
}

// Routes the WebSocket of `page` to `peer`, a page at /blank.html. `script` may change what is answered: { answer(reply) }.
export async function attach(page, peer, script = {}) {
  await peer.evaluate(install_peer, script.max ?? 262144);
  const seen = [];
  const failures = [];
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const tell = (message) => socket.send(JSON.stringify(message));
    const gateway = { registered: true, mid: '[127.0.0.1]:2944', profile: 'threegiq/1', version: 3 };
    tell({ type: 'welcome', program: 'agw-controller', version: '0.1.0', gateway });
    script.tell = tell;
    script.drop = () => socket.close();
    const handle = async (text) => {
      const message = JSON.parse(text);
      seen.push(message);
      const { call } = message;
      const begun = performance.now();
      const play = async (part) => {
        for (const entry of flow(part)) {
          await new Promise((resolve) => {
            setTimeout(resolve, 4);
          });
          tell({ call, time: Date.now() / 1000, at: performance.now() - begun + 0.3, ...entry });
        }
      };
      if (message.type === 'offer') {
        if (script.refuse) {
          tell({ type: 'error', call, of: 'offer', code: 'h248', h248: 510, text: script.refuse });
          return tell({ type: 'released', call, cause: 'rejected' });
        }
        await play({ kind: 'offer', sdp: message.sdp });
        const answer = await peer.evaluate(
          ([id, sdp, channels]) => window.peer.answer(id, sdp, channels),
          [call, message.sdp, message.channels],
        );
        await play({ kind: 'answer', sdp: answer.sdp });
        tell({ type: 'answer', call, ...answer });
        await play({ kind: 'stages', ids: message.channels.map((channel) => channel.id) });
      }
      if (message.type === 'call-me') {
        await play({ kind: 'offer', sdp: '' });
        const offer = await peer.evaluate(
          ([id, channels]) => window.peer.offer(id, channels),
          [call, message.channels.map((channel, index) => ({ id: index * 2, ...channel }))],
        );
        tell({ type: 'incoming', call, ...offer });
      }
      if (message.type === 'answer') {
        await peer.evaluate(
          ([id, sdp, channels]) => window.peer.accept(id, sdp, channels),
          [call, message.sdp, message.channels],
        );
        await play({ kind: 'stages', ids: message.channels.map((channel) => channel.id) });
      }
      if (message.type === 'modify' && script.refuse_modify) {
        tell({ type: 'error', call, of: 'modify', code: 'h248', h248: 510, text: script.refuse_modify });
        return undefined;
      }
      if (message.type === 'modify') {
        const channels = await peer.evaluate(([id, entries]) => window.peer.modify(id, entries), [call, message.channels]);
        await play({ kind: 'modify', id: channels.at(-1)?.id });
        tell({ type: 'answer', call, channels });
      }
      if (message.type === 'release') {
        await peer.evaluate((id) => window.peer.release(id), call);
        tell({
          type: 'released',
          call,
          cause: 'requested',
          statistics: [{ stream: 2, termination: 'ip/1/access/7', 'nt/or': 4711, 'nt/os': 815 }],
        });
      }
      return undefined;
    };
    // A page that closes in the middle of a call takes its answers with it; anything else is a fault of the test.
    socket.onMessage((text) =>
      handle(text).catch((error) => {
        if (!page.isClosed() && !peer.isClosed()) failures.push(error);
      }),
    );
  });
  return { seen, script, failures };
}
