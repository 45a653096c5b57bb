// A WIC of one of the stacks: one call as the scenario says, through the controller's WebSocket with the page's own modules.
// usage: node wic.mjs STACK ws://HOST:PORT/ws SCENARIO     SCENARIO is JSON, see scenario.mjs. It prints one line of JSON and ends with 0 if all went well.
import { Call } from '../../../apps/controller/web/call.js';
import { Signalling } from '../../../apps/controller/web/signalling.js';
import { run } from './scenario.mjs';
import { stacks } from './stacks.mjs';

const [, , name, url, text] = process.argv;
const stack = await stacks[name]();
globalThis.RTCPeerConnection = stack.RTCPeerConnection;
let report;
try {
  report = await run({ Call, Signalling }, url, JSON.parse(text));
} catch (error) {
  report = { ok: false, why: String(error.message ?? error), cause: error.cause };
}
process.stdout.write(`${JSON.stringify(report)}\n`, () => {
  stack.leave();
  process.exit(report.ok ? 0 : 1);
});
