// Data channels <-> TCP with libdatachannel, from node. Orders as those of pion/main.go. usage: libdatachannel_bridge.mjs ADDRESS
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';

const require = createRequire(path.resolve(import.meta.dirname, '../../interop/package.json'));
const { PeerConnection, cleanup } = require('node-datachannel');

const buffer_bytes = 1 << 20; // waiting in the association
const calls = new Map();

function begin({ call, sdp, core }) {
  const connection = new PeerConnection(`call ${call}`, { iceServers: [], bindAddress: process.argv[2], maxMessageSize: 262144 });
  calls.set(call, connection);
  connection.onGatheringStateChange((state) => {
    if (state !== 'complete') return;
    process.stdout.write(`${JSON.stringify({ call, sdp: connection.localDescription().sdp })}\n`);
  });
  connection.setRemoteDescription(sdp, 'offer');
  const channel = connection.createDataChannel('load', { negotiated: true, id: 0 });
  channel.onOpen(() => join(channel, core));
}

function end(call) {
  calls.get(call)?.close();
  calls.delete(call);
}

// node-datachannel cannot hold its messages back: what TCP does not take at once waits in the socket.
function join(channel, address) {
  const [host, port] = address.split(':');
  const core = net.connect({ host, port: Number(port), noDelay: true });
  channel.onMessage((data) => core.write(data));
  channel.setBufferedAmountLowThreshold(buffer_bytes / 2);
  channel.onBufferedAmountLow(() => core.resume());
  channel.onClosed(() => core.destroy());
  core.on('data', (data) => {
    if (!channel.isOpen()) return;
    channel.sendMessageBinary(data);
    if (channel.bufferedAmount() > buffer_bytes) core.pause();
  });
  core.on('error', () => {});
}

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const order = JSON.parse(line);
  if (order.sdp) begin(order);
  else end(order.call);
});
process.stdout.write('{"call":0}\n');
lines.on('close', () => {
  for (const connection of calls.values()) connection.close();
  cleanup();
  process.exit(0);
});
