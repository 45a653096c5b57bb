// One call of a WIC, the same in a browser's page and in node. The function holds all that it needs, so that its text can be handed to a page.
//
// Members of a scenario:
//   by        'wic' or 'core': who calls
//   channel   'dcep' or 'agreed': how the channel comes up
//   dtls      'active' or 'passive': the WIC's role in the handshake
//   path      'udp' or 'tcp': the only candidates of the gateway that the WIC hears of; of a 'tcp' call the gateway hears of no others either, as a
//             full agent's checks by UDP would find the WIC
//   chunk     octets of content in an MSRP chunk
//   text      octets of a text, which comes back as it was
//   file      octets of a file, which goes there and comes back; 0: none
//   restart   an ICE restart by the WIC, between two texts
//   end       'release' (by the WIC's signalling), 'channel' (the WIC closes it) or 'core' (the core closes its TCP)
//   options   for the controller
export async function run({ Call, Signalling }, url, scenario) {
  const patience_ms = 60_000;

  function within(promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what}: nothing for ${patience_ms / 1000} s`)), patience_ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  // Resolves when what is looked for is there, after an event of the emitter or at once.
  function until(emitter, names, look, what) {
    const seen = new Promise((resolve, reject) => {
      const check = () => {
        try {
          if (look()) resolve();
        } catch (error) {
          reject(error);
        }
      };
      for (const name of names) emitter.addEventListener(name, check);
      check();
    });
    return within(seen, what);
  }

  const letters = (count) => Array.from({ length: count }, (_, i) => String.fromCharCode(97 + ((i * 7 + (i >> 8)) % 26))).join('');
  function noise(count) {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; ++i) bytes[i] = (Math.imul(i, 2654435761) >>> 24) ^ i;
    return bytes;
  }

  // The gateway takes the role that is left, so a WIC that is to be passive says so in its offer, and hears it in the gateway's.
  const passive = scenario.dtls === 'passive';
  const of_path = (line) => !line.startsWith('a=candidate:') || line.split(' ')[2].toLowerCase() === scenario.path;
  const by_path = (sdp) => sdp.split('\r\n').filter(of_path).join('\r\n');
  function edit_sdp(sdp) {
    const out = scenario.path === 'tcp' ? by_path(sdp) : sdp;
    return passive ? out.replace(/a=setup:actpass/g, 'a=setup:passive') : out;
  }
  function edit_message(message) {
    if (!message.sdp) return message;
    let sdp = scenario.path ? by_path(message.sdp) : message.sdp;
    if (passive && message.type === 'incoming') sdp = sdp.replace(/a=setup:actpass/g, 'a=setup:active');
    return { ...message, sdp };
  }

  const signalling = new Signalling(url);
  await within(new Promise((up) => signalling.addEventListener('up', up, { once: true })), 'the WebSocket');
  const call = new Call(signalling, { dcep: scenario.channel === 'dcep', chunk: scenario.chunk, controller: scenario.options ?? {}, edit_sdp });
  const problems = [];
  const arrived = [];
  const stages = {};
  call.addEventListener('problem', ({ detail }) => problems.push(detail));
  call.addEventListener('arrived', ({ detail }) => arrived.push(detail.message));
  const released = new Promise((resolve) => {
    signalling.addEventListener('message', ({ detail }) => {
      if (detail.type === 'stage' && detail.state !== 'started') stages[detail.stage] = detail.reason ?? detail.state;
      if (detail.type === 'released') resolve(detail.cause);
      if (detail.call === call.id) call.handle(edit_message(detail));
    });
  });
  const alive = () => {
    if (call.ended) throw Object.assign(new Error(`the call has ended: ${call.cause}; ${problems.join('; ')}`), { cause: call.cause });
    return true;
  };

  // From the description of the gateway to the channel: what the gateway and the WIC need, without the signalling.
  let described;
  const { prototype } = RTCPeerConnection;
  const { setRemoteDescription } = prototype;
  prototype.setRemoteDescription = function (...words) {
    described ??= performance.now();
    return setRemoteDescription.apply(this, words);
  };
  if (scenario.by === 'core') call.ask(['chat']);
  else await call.start(['chat']);
  await until(call, ['state', 'channel'], () => alive() && call.channel('chat')?.state === 'open', 'the channel');
  const open_ms = performance.now() - described;
  const channel = call.channel('chat');

  async function echo(text) {
    channel.session.send_text(text);
    await until(call, ['arrived', 'state'], () => alive() && arrived.some((m) => m.kind === 'text' && m.text === text), 'the echo');
  }
  await echo(letters(scenario.text));
  if (scenario.restart) {
    await within(call.restart(), 'the answer to the restart');
    await echo(letters(scenario.text).toUpperCase());
  }
  if (scenario.file) {
    const sent = channel.session.send_file(new Blob([noise(scenario.file)]), 'there.bin');
    const back = () => arrived.find((m) => m.kind === 'file' && m.name === 'there.bin');
    await until(call, ['arrived', 'state'], () => alive() && back(), 'the file');
    await within(sent.done, "the file's responses");
    if (sent.state !== 'delivered') throw new Error(`the file was ${sent.state}: ${sent.reason}`);
    if (back().state !== 'complete' || back().sha256 !== sent.sha256) throw new Error(`the file came back ${back().state} and as ${back().sha256}`);
  }
  if (problems.length) throw new Error(problems.join('; '));

  if (scenario.end === 'channel') channel.dc.close();
  if (scenario.end === 'core') channel.session.send_text('/close');
  if (scenario.end !== 'release') await until(call, ['channel', 'state'], () => channel.state === 'closed', 'the end of the channel');
  const cause = channel.cause;
  if (!call.ended) call.release();
  await within(released, 'the release');
  return { ok: true, cause, stages, open_ms };
}
