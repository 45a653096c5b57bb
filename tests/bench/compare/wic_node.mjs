// The WIC of wic.mjs on a stack without a browser. Orders are lines of JSON, each answered by one. usage: wic_node.mjs STACK
import readline from 'node:readline';
import { stacks } from '../../interop/peers/stacks.mjs';
import { wic } from './wic.mjs';

const stack = await stacks[process.argv[2]]();
globalThis.RTCPeerConnection = stack.RTCPeerConnection;
const own = new wic();
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { order, ...words } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await own[order](words))}\n`);
}
stack.leave();
process.exit(0);
