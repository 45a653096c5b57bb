// One call: the peer connection, its data channels, and the offer and answer that go through the controller.
//
// Events: state (the call's `state` or `cause` changed), channel (detail: a channel whose `state` changed), arriving, progress
// and arrived (detail: { channel, message }), problem (detail: text).

import { random_ident, random_path } from './msrp.js';
import { MsrpSession } from './msrp_session.js';

const gather_limit_ms = 3000;
const early_limit = 64;

// state: 'waiting' (for offer and answer), 'opening', 'open', 'closed'.
class Channel {
  constructor(id, label) {
    Object.assign(this, {
      id,
      label,
      state: 'waiting',
      path: random_path(),
      remote: null,
      setup: 'active',
      max: 0,
      dc: null,
      session: null,
      cause: null,
      early: [],
    });
  }
}

export class Call extends EventTarget {
  #signalling;
  #options;
  #pc = null;
  #answers = []; // modifications that wait for the controller's answer

  // state: 'offering' or 'asking' (for an incoming call), 'connecting', 'up', 'ended'.
  constructor(signalling, options = {}) {
    super();
    this.#signalling = signalling;
    this.#options = options;
    this.id = `w${random_ident(6)}`;
    this.state = 'offering';
    this.cause = null;
    this.statistics = null;
    this.channels = [];
  }

  get ended() {
    return this.state === 'ended';
  }
  channel(key) {
    return this.channels.find((channel) => channel.id === key || channel.label === key);
  }

  // WIC-originated.
  async start(labels) {
    const pc = this.#create();
    labels.forEach((label, index) => this.#add(new Channel(this.#options.dcep ? null : index * 2, label)));
    await pc.setLocalDescription(await pc.createOffer());
    await gathered(pc);
    if (this.ended) return;
    this.#tell({ type: 'offer', call: this.id, sdp: this.#local_sdp(), channels: this.#describe(), options: this.#options.controller ?? {} });
  }

  // WIC-terminated: the controller is asked to call.
  ask(labels) {
    this.#set_state('asking');
    this.#tell({
      type: 'call-me',
      call: this.id,
      channels: labels.map((label) => ({ label, dcep: Boolean(this.#options.dcep) })),
      options: this.#options.controller ?? {},
    });
  }

  add_channel(label) {
    const used = this.channels.map((channel) => channel.id ?? 0);
    const channel = new Channel(Math.max(-2, ...used) + 2, label);
    this.#add(channel);
    return this.#modify().then(
      () => channel,
      (error) => {
        this.#close(channel, 'refused');
        throw error;
      },
    );
  }

  remove_channel(channel) {
    this.#close(channel, 'requested');
    return this.#modify();
  }

  // An ICE restart: the path is found anew, as after a change of networks, and the channels stay.
  async restart() {
    const pc = this.#pc;
    pc.restartIce?.();
    const complete = gathered_anew(pc);
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
    await complete;
    if (this.ended) throw new Error('the call has ended');
    this.#tell({ type: 'modify', call: this.id, sdp: this.#local_sdp() });
    try {
      await new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
    } catch (error) {
      if (!this.ended) await pc.setLocalDescription({ type: 'rollback' });
      throw error;
    }
  }

  release() {
    if (this.ended) return;
    this.#tell({ type: 'release', call: this.id });
    this.end('requested');
  }

  // What the controller says about this call.
  async handle(message) {
    try {
      if (message.type === 'answer') await this.#take_answer(message);
      if (message.type === 'incoming') await this.#take_offer(message);
    } catch (error) {
      this.#emit('problem', `the controller's ${message.type} was refused: ${error.message}`);
      this.#tell({ type: 'release', call: this.id });
      this.end('sdp');
    }
    if (message.type === 'closed') {
      const channel = this.channels.find((other) => other.id === message.id);
      if (channel) this.#close(channel, message.cause);
    }
    if (message.type === 'error') {
      this.#emit('problem', message.text ?? message.code ?? 'unknown error');
      if (message.of === 'modify') this.#answers.shift()?.reject(new Error(message.text ?? message.code));
    }
    if (message.type === 'released') {
      this.statistics = message.statistics ?? null;
      this.end(message.cause ?? 'released');
    }
  }

  end(cause) {
    if (this.ended) return;
    Object.assign(this, { state: 'ended', cause });
    for (const channel of this.channels) this.#close(channel, cause);
    for (const waiting of this.#answers.splice(0)) waiting.reject(new Error('the call has ended'));
    this.#pc?.close();
    this.#pc = null;
    this.#set_state('ended');
  }

  #create() {
    const pc = new RTCPeerConnection({ iceServers: [] });
    this.#pc = pc;
    pc.onconnectionstatechange = () => {
      if (pc.connectionState === 'failed') this.#emit('problem', 'the path to the gateway has failed');
    };
    return pc;
  }

  #add(channel) {
    const options = channel.id === null ? { protocol: 'msrp' } : { negotiated: true, id: channel.id, protocol: 'msrp' };
    const dc = this.#pc.createDataChannel(channel.label, options);
    dc.binaryType = 'arraybuffer';
    channel.dc = dc;
    // The peer may speak before the controller's answer has come; that is kept, within bounds.
    dc.onmessage = (event) => {
      if (!channel.session && channel.early.length < early_limit) channel.early.push(event.data);
    };
    dc.onopen = () => {
      channel.id = dc.id;
      this.#open(channel);
    };
    dc.onclose = () => this.#close(channel, 'channel:closed');
    this.channels.push(channel);
    this.#emit('channel', channel);
  }

  #describe() {
    return this.channels
      .filter((channel) => channel.state !== 'closed')
      .map((channel) => ({
        id: channel.id,
        label: channel.label,
        subprotocol: 'msrp',
        dcep: channel.id === null,
        path: channel.path,
        setup: channel.setup,
        acceptTypes: ['*'],
      }));
  }

  async #take_answer(message) {
    if (this.ended) return;
    if (this.#pc.signalingState === 'have-local-offer' && message.sdp) {
      await this.#pc.setRemoteDescription({ type: 'answer', sdp: message.sdp });
    }
    this.#attach(message.channels ?? []);
    if (this.state === 'offering') this.#connecting();
    else this.#answers.shift()?.resolve();
  }

  async #take_offer(message) {
    if (this.state !== 'asking') return;
    const pc = this.#create();
    await pc.setRemoteDescription({ type: 'offer', sdp: message.sdp });
    for (const entry of message.channels ?? []) this.#add(new Channel(entry.id ?? null, entry.label ?? String(entry.id)));
    // The one who offers 'actpass' lets us choose; we open the session, as the offerer of a chat would.
    (message.channels ?? []).forEach((entry, index) => {
      this.channels[index].setup = entry.setup === 'active' ? 'passive' : 'active';
    });
    await pc.setLocalDescription(await pc.createAnswer());
    await gathered(pc);
    if (this.ended) return;
    this.#attach(message.channels ?? []);
    this.#tell({ type: 'answer', call: this.id, sdp: this.#local_sdp(), channels: this.#describe() });
    this.#connecting();
  }

  #local_sdp() {
    const { sdp } = this.#pc.localDescription;
    return this.#options.edit_sdp?.(sdp) ?? sdp;
  }

  // A channel may have opened while the answer was being applied.
  #connecting() {
    this.#set_state('connecting');
    if (this.channels.some((channel) => channel.state === 'open')) this.#set_state('up');
  }

  #attach(entries) {
    const own = this.channels.filter((channel) => channel.state !== 'closed');
    entries.forEach((entry, index) => {
      const channel =
        own.find((other) => other.id !== null && other.id === entry.id) ??
        own.find((other) => other.label === entry.label) ??
        own[index];
      if (!channel || channel.state !== 'waiting') return;
      if (entry.refused || !entry.path) {
        this.#close(channel, entry.refused ?? 'refused');
        return;
      }
      Object.assign(channel, { remote: entry.path, max: entry.max ?? 0, state: 'opening' });
      if (entry.setup === 'active') channel.setup = 'passive';
      this.#emit('channel', channel);
      this.#open(channel);
    });
  }

  // Both must be there: the open data channel and the peer's path.
  #open(channel) {
    if (channel.session || !channel.remote || channel.dc.readyState !== 'open') return;
    const max = Math.min(channel.max || Infinity, this.#pc.sctp?.maxMessageSize || Infinity);
    const tell = (name) => (message) => this.#emit(name, { channel, message });
    channel.session = new MsrpSession(channel.dc, {
      local: channel.path,
      remote: channel.remote,
      setup: channel.setup,
      max,
      chunk: this.#options.chunk,
      onmessage: tell('arriving'),
      onprogress: tell('progress'),
      onend: tell('arrived'),
      onproblem: (text) => this.#emit('problem', `MSRP on "${channel.label}": ${text}`),
    });
    channel.state = 'open';
    for (const data of channel.early.splice(0)) channel.session.receive(data);
    this.#emit('channel', channel);
    if (this.state === 'connecting') this.#set_state('up');
  }

  #close(channel, cause) {
    if (channel.state === 'closed') return;
    Object.assign(channel, { state: 'closed', cause });
    channel.session?.close(`the channel has closed (${cause})`);
    channel.dc.close();
    this.#emit('channel', channel);
  }

  #modify() {
    this.#tell({ type: 'modify', call: this.id, channels: this.#describe() });
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  }

  #tell(message) {
    if (!this.#signalling.send(message)) this.end('the controller is not reachable');
  }

  #set_state(state) {
    this.state = state;
    this.#emit('state', this);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

// The state may still be that of the gathering before.
function gathered_anew(pc) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, gather_limit_ms);
    pc.onicecandidate = ({ candidate }) => {
      if (candidate) return;
      clearTimeout(timer);
      pc.onicecandidate = null;
      resolve();
    };
  });
}

// Candidates go into the one SDP that is sent; a network that does not finish gathering has to do with what there is.
function gathered(pc) {
  if (pc.iceGatheringState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, gather_limit_ms);
    pc.onicegatheringstatechange = () => {
      if (pc.iceGatheringState !== 'complete') return;
      clearTimeout(timer);
      resolve();
    };
  });
}
