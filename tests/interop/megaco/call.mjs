// What an MGC says for the data-channel call of the call flow: figure 6.2.10.x.2.2, in H.248 text.

const events = 'Events = 1000 { tcpbcc/BNCChange, tlsbsc/BNCChange, sctpbcc/BNCChange, dcep/chg, ostuncc/ccr, stnconfres/fail, g/cause }';

export function local_of(reply, stream) {
  const streams = reply.split(/(?:Stream|ST)\s*=\s*/i).slice(1);
  const one = streams.find((s) => s.startsWith(String(stream)));
  return one?.match(/(?:Local|L)\s*\{\s*([^}]*?)\s*\}/)?.[1];
}
export const context_of = (reply) => Number(reply.match(/(?:Context|C)\s*=\s*(\d+)/)[1]);
export const termination_of = (reply) => reply.match(/(?:Add|A)\s*=\s*(ip\/\S+?)[\s{},]/i)[1];
export const error_of = (reply) => Number(reply.match(/(?:Error|ER)\s*=\s*(\d+)/)?.[1] ?? 0);

export const reserve_core = () => `Context = $ { Add = ip/1/core/$ { Media { Stream = 2 {
 LocalControl { Mode = SendReceive, ipdc/realm = "core" },
 Local {
v=0
c=IN IP4 $
m=message $ TCP *
a=setup:active
 } } }, ${events} } }`;

export const configure_core = (context, t2, local, peer) => `Context = ${context} { Modify = ${t2} { Media { Stream = 2 {
 LocalControl { Mode = SendReceive },
 Local {
${local}
 },
 Remote {
v=0
c=IN IP4 127.0.0.1
m=message ${peer.port} TCP *
a=setup:passive
 } } } } }`;

const channel = (id, label, path) => `v=0
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=dcmap:${id} subprotocol="msrp"${label ? `;label="${label}"` : ''}
${path ? `a=dcsa:${id} path:${path}\n` : ''}a=dcsa:${id} msrp-cema`;

export const configure_access = (context, wic, label, peer) => `Context = ${context} { Add = ip/1/access/$ { Media {
 TerminationState { mgroup/sem = "DEAGG 1 2" },
 Stream = 1 { LocalControl { Mode = SendReceive, ipdc/realm = "access" }, Local {
v=0
c=IN IP4 $
m=application $ UDP/DTLS/SCTP webrtc-datachannel
a=setup:passive
a=fingerprint:sha-256 $
a=ice-ufrag:$
a=ice-pwd:$
a=candidate:$
a=sctp-port:5000
a=max-message-size:262144
 }, Remote {
${wic.trim()}
 } },
 Stream = 2 { LocalControl { Mode = SendReceive }, Local {
${channel('$', label, peer.path)}
 }, Remote {
${channel('$', label)}
 } } }, ${events} } }`;

// A WIC's offer as S1's Remote: what H.248 is not interested in stays out.
export function remote_of(sdp) {
  const wanted = /^(m=application|c=|a=(setup|fingerprint|ice-ufrag|ice-pwd|candidate|sctp-port|max-message-size):)/;
  const lines = sdp.split(/\r?\n/).filter((line) => wanted.test(line));
  if (!lines.some((line) => line.startsWith('c='))) lines.splice(1, 0, 'c=IN IP4 127.0.0.1');
  return ['v=0', ...lines].join('\n');
}

// What the WIC gets: S1's Local as an answer. `lines`: the channel's.
export function answer_of(local, offer, lines = '') {
  const mid = offer.match(/a=mid:(\S+)/)?.[1] ?? '0';
  const lite = /a=ice-lite/.test(local) ? 'a=ice-lite\n' : '';
  const body = local.replace(/^v=0\s*/, '').replace(/a=ice-lite\s*/, '').trim();
  const [media, connection] = [body.match(/m=.*/)[0], body.match(/c=.*/)[0]].map((line) => line.trim());
  const rest = body.split(/\r?\n/).filter((line) => line.startsWith('a='));
  const text = `v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nt=0 0\n${lite}a=group:BUNDLE ${mid}\n${media}\n${connection}\n${rest.join('\n')}\na=mid:${mid}\n${lines}`;
  return text.replace(/\r?\n/g, '\r\n');
}
