// MSRP chunks (RFC 4975, clause 9) as values: compose and parse. One chunk is one message of the data channel (RFC 8873, 5.4).

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const ident = /^[A-Za-z0-9][A-Za-z0-9.\-+%=]{3,31}$/;
const header_limit = 8192;

export class MsrpSyntaxError extends Error {
  // `transaction` is known where the first line could be read: such a request is answered with 400.
  constructor(message, transaction = null) {
    super(message);
    this.transaction = transaction;
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

// A random identifier of letters and digits, 6 bits of chance each (crypto.getRandomValues works in any context).
export function random_ident(length = 16) {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => alphabet[byte % 62]).join('');
}

// An MSRP path of our own; nobody resolves the host, the data channel is the transport.
export const random_path = () => `msrps://${random_ident(10).toLowerCase()}.invalid:2855/${random_ident(14)};dc`;

// The session-id of an MSRP URI, which is what sets one session apart from another; null when it is none.
export function session_id(uri) {
  return /^msrps?:\/\/[^/;\s]+\/([A-Za-z0-9\-._~+=/]+);/i.exec(uri)?.[1] ?? null;
}

export function parse_byte_range(text) {
  const match = /^(\d{1,15})-(\d{1,15}|\*)\/(\d{1,15}|\*)$/.exec(text ?? '');
  if (!match) return null;
  const number = (field) => (field === '*' ? null : Number(field));
  return { start: Number(match[1]), end: number(match[2]), total: number(match[3]) };
}

// `Content-Disposition: attachment; filename="a%20b.txt"; size=12` → { type, filename, size }.
export function parse_disposition(text) {
  const result = { type: '', filename: null, size: null };
  if (!text) return result;
  const parameter = /;\s*([A-Za-z0-9*_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]+))/g;
  result.type = text.split(';', 1)[0].trim().toLowerCase();
  for (const [, name, quoted, token] of text.matchAll(parameter)) {
    const value = quoted !== undefined ? quoted.replace(/\\(.)/g, '$1') : token;
    if (name.toLowerCase() === 'size' && /^\d{1,15}$/.test(value)) result.size = Number(value);
    if (name.toLowerCase() === 'filename') {
      try {
        result.filename = decodeURIComponent(value);
      } catch {
        result.filename = value;
      }
      result.filename =
        result.filename
          .replace(/^.*[/\\]/, '')
          .replace(/[\u0000-\u001f\u007f]/g, '')
          .slice(0, 255) || 'file';
    }
  }
  return result;
}

// The name is percent-encoded: header values have no room for quotes, backslashes or line ends.
export const compose_disposition = (filename, size) => `attachment; filename="${encodeURIComponent(filename)}"; size=${size}`;

function contains_end_line(body, transaction) {
  const mark = encoder.encode(`-------${transaction}`);
  for (let at = body.indexOf(0x2d); at >= 0 && at + mark.length <= body.length; at = body.indexOf(0x2d, at + 1)) {
    let same = 1;
    while (same < mark.length && body[at + same] === mark[same]) same++;
    if (same === mark.length) return true;
  }
  return false;
}

// chunk = { transaction?, method, to, from, headers: [[name, value], …], body?: Uint8Array, flag? } → { transaction, bytes }.
// Content-Type must be the last of the headers. Without `transaction` a fresh one is made that does not occur in the body.
export function compose_request(chunk) {
  const body = chunk.body ?? null;
  let transaction = chunk.transaction ?? random_ident(12);
  while (!chunk.transaction && body && contains_end_line(body, transaction)) transaction = random_ident(12);
  let head = `MSRP ${transaction} ${chunk.method}\r\nTo-Path: ${chunk.to}\r\nFrom-Path: ${chunk.from}\r\n`;
  for (const [name, value] of chunk.headers ?? []) head += `${name}: ${value}\r\n`;
  const tail = encoder.encode(`${body ? '\r\n' : ''}-------${transaction}${chunk.flag ?? '$'}\r\n`);
  const start = encoder.encode(body ? `${head}\r\n` : head);
  const bytes = new Uint8Array(start.length + (body?.length ?? 0) + tail.length);
  bytes.set(start);
  if (body) bytes.set(body, start.length);
  bytes.set(tail, bytes.length - tail.length);
  return { transaction, bytes };
}

export function compose_response({ transaction, status, comment, to, from }) {
  const first = `MSRP ${transaction} ${status}${comment ? ` ${comment}` : ''}`;
  return encoder.encode(`${first}\r\nTo-Path: ${to}\r\nFrom-Path: ${from}\r\n-------${transaction}$\r\n`);
}

// One whole chunk → { kind: 'request' | 'response', transaction, method | status, comment, to: [uri], from: [uri],
// headers: Map (lower-case names), body: Uint8Array | null, flag }. The body is a view of `bytes`. Throws MsrpSyntaxError.
export function parse_chunk(bytes) {
  let at = 0;
  let transaction = null;
  const line = () => {
    const end = bytes.indexOf(0x0d, at);
    if (end < 0 || end > header_limit || bytes[end + 1] !== 0x0a) throw new MsrpSyntaxError('a line has no end', transaction);
    let text;
    try {
      text = decoder.decode(bytes.subarray(at, end));
    } catch {
      throw new MsrpSyntaxError('a header is not UTF-8', transaction);
    }
    at = end + 2;
    return text;
  };

  const first = /^MSRP ([^ ]+) (?:(\d{3})(?: (.*))?|([A-Z]+))$/.exec(line());
  if (!first || !ident.test(first[1])) throw new MsrpSyntaxError('the first line is not MSRP');
  transaction = first[1];
  const chunk = {
    kind: first[2] ? 'response' : 'request',
    transaction,
    method: first[4] ?? null,
    status: first[2] ? Number(first[2]) : null,
    comment: first[3] ?? '',
    to: null,
    from: null,
    headers: new Map(),
    body: null,
    flag: null,
  };

  const end_line = `-------${transaction}`;
  for (;;) {
    const text = line();
    if (text.startsWith(end_line) && text.length === end_line.length + 1) {
      chunk.flag = text[end_line.length];
      if (at !== bytes.length) throw new MsrpSyntaxError('bytes after the end-line', transaction);
      break;
    }
    if (text === '') {
      const tail = end_line.length + 5; // CRLF, end-line, flag, CRLF
      const end = bytes.length - tail;
      // A body of no bytes may share its CRLF with the blank line.
      if (end < at - 2) throw new MsrpSyntaxError('the body has no end-line', transaction);
      const trailer = decode_ascii(bytes.subarray(end));
      if (!trailer.startsWith(`\r\n${end_line}`) || !trailer.endsWith('\r\n')) {
        throw new MsrpSyntaxError('the body has no end-line', transaction);
      }
      chunk.flag = trailer[trailer.length - 3];
      chunk.body = bytes.subarray(at, Math.max(at, end));
      break;
    }
    const header = /^([A-Za-z][!-9;-~]*): ?(.*)$/.exec(text);
    if (!header) throw new MsrpSyntaxError('a header has no colon', transaction);
    const name = header[1].toLowerCase();
    if (name === 'to-path') chunk.to = header[2].split(' ');
    else if (name === 'from-path') chunk.from = header[2].split(' ');
    else chunk.headers.set(name, header[2]);
  }
  if (!'+$#'.includes(chunk.flag)) throw new MsrpSyntaxError('unknown continuation flag', transaction);
  // Relays on the way have no session-id, the two ends do.
  if (!session_id(chunk.to?.at(-1)) || !session_id(chunk.from?.at(-1)))
    throw new MsrpSyntaxError('a path is missing or wrong', transaction);
  return chunk;
}

function decode_ascii(bytes) {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
