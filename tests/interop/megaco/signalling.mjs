// The WebSocket that a WIC calls through (apps/controller/websocket.md), as far as pion-wic needs it: text frames, one client.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 1.3

function frame(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([head, body]);
}

// The first whole frame of `data`: { opcode, body, rest }.
function unframe(data) {
  if (data.length < 2) return undefined;
  let length = data[1] & 127;
  let at = 2;
  if (length === 126) {
    if (data.length < 4) return undefined;
    length = data.readUInt16BE(2);
    at = 4;
  }
  const mask = data.subarray(at, at + 4);
  if (data.length < at + 4 + length) return undefined;
  const body = Buffer.from(data.subarray(at + 4, at + 4 + length)).map((byte, i) => byte ^ mask[i & 3]);
  return { opcode: data[0] & 15, body, rest: data.subarray(at + 4 + length) };
}

// `on_message(message, send)` for every JSON message of the WIC.
export async function serve_wic(on_message) {
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + guid).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.on('error', () => {});
    const send = (message) => socket.write(frame(JSON.stringify(message)));
    let data = Buffer.alloc(0);
    socket.on('data', (more) => {
      data = Buffer.concat([data, more]);
      for (let next = unframe(data); next; next = unframe(data)) {
        data = next.rest;
        if (next.opcode === 8) socket.end();
        if (next.opcode === 1) on_message(JSON.parse(next.body.toString()), send);
      }
    });
  });
  await new Promise((listens) => server.listen(0, '127.0.0.1', listens));
  return { url: `ws://127.0.0.1:${server.address().port}/ws`, close: () => server.close() };
}
