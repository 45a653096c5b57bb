// A WIC that only moves octets, the same in a browser's page and in node: numbered MSRP chunks that want no responses. Its methods are the orders of
// wic_run.mjs.
const buffered_octets = 8 << 20; // in the association; more than any link of these measurements holds
const patience_ms = 30_000;

const number_of = (text) => Number(text.match(/^MSRP agw(\d{5}) SEND\r\n/)?.[1] ?? NaN);

export class wic {
  async offer() {
    this.connection = new RTCPeerConnection();
    this.channel = this.connection.createDataChannel('load', { protocol: 'msrp' });
    this.channel.binaryType = 'arraybuffer';
    this.early = []; // before down() is asked for
    this.channel.onmessage = (event) => this.early.push(event);
    this.opened = new Promise((open, fail) => {
      this.channel.onopen = open;
      setTimeout(() => fail(new Error('the channel does not open')), patience_ms);
    });
    this.opened.catch(() => {});
    const gathered = new Promise((done) => {
      this.connection.onicegatheringstatechange = () => this.connection.iceGatheringState === 'complete' && done();
    });
    await this.connection.setLocalDescription(await this.connection.createOffer());
    await gathered;
    return { sdp: this.connection.localDescription.sdp };
  }
  async answer({ sdp }) {
    await this.connection.setRemoteDescription({ type: 'answer', sdp });
    await this.opened;
    return {};
  }
  // What arrives within that time of the first octet. `numbers`: they go round.
  down({ ms, numbers }) {
    return new Promise((done) => {
      const text = new TextDecoder();
      let octets = 0;
      let next = 0;
      let begin;
      let fault;
      const tell = () => done({ octets, ms: performance.now() - (begin ?? 0), fault });
      const late = setTimeout(() => {
        fault = 'nothing arrives';
        tell();
      }, patience_ms);
      this.channel.onclose = () => (fault ??= 'the channel was closed');
      const take = ({ data }) => {
        if (!begin) {
          clearTimeout(late);
          begin = performance.now();
          setTimeout(tell, ms);
        }
        octets += data.byteLength;
        const head = text.decode(new Uint8Array(data, 0, Math.min(data.byteLength, 24)));
        if (number_of(head) !== next) fault ??= `instead of chunk ${next} came ${head.split('\r')[0]}`;
        next = (next + 1) % numbers;
      };
      this.early.forEach(take);
      this.channel.onmessage = take;
    });
  }
  // Sends from now on. `chunk` has ##### where its number stands.
  async up({ chunk, numbers }) {
    const chunks = Array.from({ length: numbers }, (_, i) => new TextEncoder().encode(chunk.replaceAll('#####', String(i).padStart(5, '0'))));
    let next = 0;
    const fill = () => {
      for (; this.channel.readyState === 'open' && this.channel.bufferedAmount < buffered_octets; next = (next + 1) % numbers) this.channel.send(chunks[next]);
    };
    this.channel.bufferedAmountLowThreshold = buffered_octets / 2;
    this.channel.onbufferedamountlow = fill;
    fill();
    return {};
  }
}
