// Colours for H.248 text and SDP, so that a message can be read at a glance. Works on text nodes only.

const words = [
  [
    'command',
    /\b(?:MEGACO\/\d|Transaction|Reply|Pending|TransactionResponseAck|Context|Add|Modify|Move|Subtract|AuditValue|AuditCapability|Notify|ServiceChange|Error)\b/iy,
  ],
  [
    'descriptor',
    /\b(?:Media|Stream|LocalControl|Local|Remote|TerminationState|Events|Signals|ObservedEvents|Statistics|Services|Audit|Packages|Topology|Version|Profile|Mode|Method|Reason|ServiceChangeAddress)\b/iy,
  ],
  ['item', /[A-Za-z][\w-]*\/[A-Za-z*][\w*-]*(?:\/[\w*$-]+)*/y],
  ['quoted', /"[^"]*"/y],
];
const sdp_line = /^[ \t]*[a-z]=.*$/;

export function paint_message(target, text) {
  target.replaceChildren();
  const lines = text.replace(/\r\n/g, '\n').split('\n');
  lines.forEach((line, index) => {
    if (sdp_line.test(line)) target.append(span('sdp', line));
    else paint_line(target, line);
    if (index + 1 < lines.length) target.append('\n');
  });
}

function paint_line(target, line) {
  let plain = '';
  for (let at = 0; at < line.length; ) {
    let hit = null;
    for (const [kind, pattern] of words) {
      pattern.lastIndex = at;
      const match = pattern.exec(line);
      if (match) {
        hit = [kind, match[0]];
        break;
      }
    }
    if (!hit) {
      plain += line[at++];
      continue;
    }
    if (plain) target.append(plain);
    plain = '';
    target.append(span(hit[0], hit[1]));
    at += hit[1].length;
  }
  if (plain) target.append(plain);
}

function span(kind, text) {
  const node = document.createElement('span');
  node.className = kind;
  node.textContent = text;
  return node;
}
