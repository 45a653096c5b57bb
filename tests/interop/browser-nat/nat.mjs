// A NAT before a gateway on loopback: for each UDP port of the gateway an inner port, on this machine's own address, as Firefox has no
// candidate on 127.0.0.1. What a browser sends there leaves by an outer port of its own, and move() gives every browser another one: from
// then on nothing passes by the old one. The outer ports have that address, too: Firefox takes no answer that names a loopback one.
import dgram from 'node:dgram';
import os from 'node:os';

const bound = (socket, address = '127.0.0.1') => new Promise((done) => socket.bind(0, address, () => done(socket.address().port)));
const own = Object.values(os.networkInterfaces()).flat().find((one) => one.family === 'IPv4' && !one.internal);
const inside = own?.address ?? '127.0.0.1';

export async function make_nat(low, high) {
  const inner = new Map(); // the gateway's port to { socket, port }
  const flows = new Map(); // "gateway port, inner source" to the outer socket
  const all = new Set();
  const counted = { moved: 0, dropped: 0, out: 0, in: 0 };
  const open = () => {
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => {});
    all.add(socket);
    return socket;
  };
  for (let gateway = low; gateway <= high; ++gateway) {
    const socket = open();
    inner.set(gateway, { socket, port: await bound(socket, inside) });
    socket.on('message', async (data, from) => {
      const key = `${gateway} ${from.address} ${from.port}`;
      if (!flows.has(key)) {
        const outer = open();
        const flow = { outer, ready: bound(outer, inside) };
        flows.set(key, flow);
        outer.on('message', (back) => {
          if (flows.get(key) !== flow) return void ++counted.dropped;
          ++counted.in;
          socket.send(back, from.port, from.address);
        });
      }
      const { outer, ready } = flows.get(key);
      await ready;
      ++counted.out;
      outer.send(data, gateway, '127.0.0.1');
    });
  }
  return {
    counted,
    // The gateway's ports as the browser is to see them, at `inside`.
    inside,
    ports: Object.fromEntries([...inner].map(([gateway, { port }]) => [gateway, port])),
    flows: () => flows.size,
    move() {
      ++counted.moved;
      flows.clear();
    },
    close() {
      for (const socket of all) socket.close();
    },
  };
}

// Runs in the page, before a call: the gateway's candidates lead to the NAT, and those of the browser, which stand inside, are not told.
export function behind_nat(inside, ports) {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const sdp = description.sdp
      .replace(/^(a=candidate:\S+ 1 udp \d+ )\S+ (\d+)/gim, (_, before, port) => `${before}${inside} ${ports[port]}`)
      .replace(/^(m=application )(\d+)/gim, (_, before, port) => before + (ports[port] ?? port));
    return set.call(this, { type: description.type, sdp });
  };
  const { get } = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, 'localDescription');
  Object.defineProperty(RTCPeerConnection.prototype, 'localDescription', {
    configurable: true,
    get() {
      const real = get.call(this);
      return real && { type: real.type, sdp: real.sdp.replace(/^a=candidate:.*\r\n/gim, '') };
    },
  });
}
