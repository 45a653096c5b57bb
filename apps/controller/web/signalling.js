// The WebSocket to the controller (see ../websocket.md): JSON objects both ways, reconnected for as long as the page lives.
// Events: up, down, and message with the object as `detail`.

const first_delay_ms = 500;
const longest_delay_ms = 8000;

export class Signalling extends EventTarget {
  #url;
  #socket = null;
  #delay = first_delay_ms;

  constructor(url) {
    super();
    this.#url = url;
    this.#connect();
  }

  get up() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  // False when there is no connection: nothing is kept for later, since a call does not survive its WebSocket.
  send(message) {
    if (!this.up) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#delay = first_delay_ms;
      this.dispatchEvent(new Event('up'));
    };
    socket.onmessage = (event) => {
      let message;
      try {
        message = JSON.parse(event.data);
      } catch {
        return;
      }
      if (message && typeof message.type === 'string') this.dispatchEvent(new CustomEvent('message', { detail: message }));
    };
    socket.onclose = () => {
      this.dispatchEvent(new Event('down'));
      setTimeout(() => this.#connect(), this.#delay);
      this.#delay = Math.min(this.#delay * 2, longest_delay_ms);
    };
  }
}

export const own_url = () => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
