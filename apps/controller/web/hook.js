// `window.agw`: everything a user can do, and what has happened so far, for tests.

function random_bytes(size) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65536)));
  return bytes;
}

const describe = ({ id, label, state, cause, max, remote, path, setup }) => ({
  id,
  label,
  state,
  cause,
  max,
  remote,
  path,
  setup,
});

export function install_hook(page) {
  const channel_of = (key) => (key === undefined ? page.current() : page.call().channel(key));
  window.agw = {
    call: (options = {}) => page.place_call(options),
    callMe: (options = {}) => page.ask_for_call(options),
    hangUp: () => page.call().release(),
    addChannel: (label) => page.add_channel(label).then(() => undefined),
    removeChannel: (key) => page.call().remove_channel(channel_of(key)),
    sendText: (text, key) => page.send_text(text, channel_of(key)),
    // `content`: a number of random bytes, an array of bytes, or a string.
    sendFile: (name, content, key) => {
      const bytes =
        typeof content === 'number' ? random_bytes(content) : typeof content === 'string' ? content : new Uint8Array(content);
      return page.send_file(new Blob([bytes]), name, channel_of(key));
    },
    // Resolves with the first received message, present or future, that matches { channel, kind, text, name, sha256 … }.
    waitFor: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          const hit = page.received.find((entry) => Object.entries(wanted).every(([name, value]) => entry[name] === value));
          if (!hit) return;
          document.removeEventListener('agw-received', look);
          resolve(hit);
        };
        document.addEventListener('agw-received', look);
        look();
      }),
    received: page.received,
    sent: page.sent,
    problems: page.problems,
    get stages() {
      return page.path.stages;
    },
    get ladder() {
      return page.ladder.rows.map(({ message }) => message);
    },
    get state() {
      const call = page.call();
      return {
        connected: page.signalling.up,
        gateway: page.gateway(),
        call: call && {
          id: call.id,
          state: call.state,
          cause: call.cause,
          statistics: call.statistics,
          channels: call.channels.map(describe),
        },
      };
    },
  };
}
