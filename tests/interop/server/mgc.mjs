// A controller in a few lines of compact text over UDP, so that it can do what a good one does not: die, forget, babble.
import dgram from 'node:dgram';

export class mgc {
  constructor() {
    this.waiting = new Map();
    this.next = 1000;
    this.knows = false; // whom it serves; a gateway that it does not know hears 505
    this.heard = [];
    this.registers = (id) => `P=${id}{C=-{SC=ROOT{SV{V=3}}}}`;
  }
  async open(port = 0) {
    this.socket = dgram.createSocket('udp4');
    this.socket.on('message', (data, from) => this.take(data.toString(), from));
    await new Promise((bound) => this.socket.bind(port, '127.0.0.1', bound));
    this.port = this.socket.address().port;
    return this;
  }
  take(text, from) {
    this.gateway = from;
    this.heard.push(text);
    for (const [, id, body] of text.matchAll(/\bT=(\d+)\{((?:(?!\bT=\d)[^])*)/g)) {
      if (/SC=ROOT/.test(body)) {
        this.knows = true;
        this.say(this.registers(id));
      } else this.say(this.knows ? `P=${id}{C=-{N=ROOT}}` : `P=${id}{C=-{ER=505{"who are you"}}}`);
    }
    for (const [, id] of text.matchAll(/\bP=(\d+)\{/g)) this.waiting.get(id)?.(text); // a message may have several
  }
  say(body) {
    this.send(`!/3 [127.0.0.1]:${this.port} ${body}`);
  }
  send(octets) {
    this.socket.send(octets, this.gateway.port, this.gateway.address);
  }
  ask(actions) {
    const id = String(this.next++);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no reply to ${actions}`)), 10000);
      this.waiting.set(id, (text) => {
        clearTimeout(late);
        this.waiting.delete(id);
        resolve(text);
      });
      this.say(`T=${id}{${actions}}`);
    });
  }
  // Its port is closed from now on, and it has forgotten everything.
  async die() {
    this.knows = false;
    const { socket } = this;
    this.socket = undefined;
    if (socket) await new Promise((closed) => socket.close(closed));
  }
  async restart() {
    await this.die();
    await this.open(this.port);
  }
}
