// The WebRTC stacks that run without a browser, under the names that browsers give to things. The page's own modules then make calls with them.
import { webcrypto } from 'node:crypto';
import WebSocket from 'ws';

globalThis.WebSocket ??= WebSocket;
globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class extends Event {
  constructor(name, { detail } = {}) {
    super(name);
    this.detail = detail;
  }
};

// Google's stack: ICE, BoringSSL's DTLS, dcSCTP.
async function wrtc() {
  const { default: module } = await import('@roamhq/wrtc');
  return { RTCPeerConnection: module.RTCPeerConnection, leave: () => {} };
}

// libdatachannel: libjuice's ICE, OpenSSL, usrsctp.
async function libdatachannel() {
  const { RTCPeerConnection } = await import('node-datachannel/polyfill');
  const { cleanup } = await import('node-datachannel');
  return { RTCPeerConnection, leave: cleanup };
}

// werift: all of it in TypeScript.
async function werift() {
  const module = await import('werift');
  class peer_connection extends module.RTCPeerConnection {
    constructor(options) {
      super({ ...options, iceAdditionalHostAddresses: [process.env.AGW_ADDRESS ?? '127.0.0.1'], iceUseIpv6: false });
    }
    createDataChannel(label, options) {
      return new channel_events(super.createDataChannel(label, options));
    }
  }
  return { RTCPeerConnection: peer_connection, leave: () => {} };
}

// werift's channels have no addEventListener.
class channel_events extends EventTarget {
  #channel;
  constructor(channel) {
    super();
    this.#channel = channel;
    channel.onMessage.subscribe((data) => this.#tell('message', { data: typeof data === 'string' ? data : to_array_buffer(data) }));
    channel.bufferedAmountLow.subscribe(() => this.#tell('bufferedamountlow'));
    channel.stateChanged.subscribe((state) => {
      if (state === 'open') this.#tell('open');
      if (state === 'closed') this.#tell('close');
    });
  }
  #tell(name, members = {}) {
    const event = Object.assign(new Event(name), members);
    this[`on${name}`]?.(event);
    this.dispatchEvent(event);
  }
  get id() {
    return this.#channel.id;
  }
  get readyState() {
    return this.#channel.readyState;
  }
  get bufferedAmount() {
    return this.#channel.bufferedAmount;
  }
  set bufferedAmountLowThreshold(octets) {
    this.#channel.bufferedAmountLowThreshold = octets;
  }
  send(data) {
    this.#channel.send(Buffer.from(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength));
  }
  close() {
    this.#channel.close();
  }
}
const to_array_buffer = (data) => data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);

export const stacks = { wrtc, libdatachannel, werift };
