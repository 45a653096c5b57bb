// The far end in the core: an MSRP endpoint on TCP that sends every text back, when `before_echo` has done what it wants to.
import net from 'node:net';

export async function serve_msrp(before_echo = async () => {}) {
  const chats = [];
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    let data = '';
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('data', async (more) => {
      data += more;
      for (;;) {
        const id = data.match(/^MSRP (\S+) (SEND|REPORT|\d{3})/);
        const end = id ? data.match(new RegExp(`-------${id[1]}[$+#]\\r\\n`)) : null;
        if (!end) return;
        const chunk = data.slice(0, end.index);
        data = data.slice(end.index + end[0].length);
        if (id[2] !== 'SEND') continue;
        const header = (name) => chunk.match(new RegExp(`\\r\\n${name}: (.*)\\r\\n`))[1];
        const [to, from] = [header('To-Path'), header('From-Path')];
        socket.write(`MSRP ${id[1]} 200 OK\r\nTo-Path: ${from}\r\nFrom-Path: ${to}\r\n-------${id[1]}$\r\n`, 'latin1');
        const body = chunk.slice(chunk.indexOf('\r\n\r\n') + 4).replace(/\r\n$/, '');
        chats.push(body);
        await before_echo();
        const mine = `e${chats.length}${Math.random().toString(36).slice(2)}`;
        socket.write(
          `MSRP ${mine} SEND\r\nTo-Path: ${from}\r\nFrom-Path: ${to}\r\nMessage-ID: m${mine}\r\n` +
            `Byte-Range: 1-${body.length}/${body.length}\r\nContent-Type: text/plain\r\n\r\n${body}\r\n-------${mine}$\r\n`,
          'latin1',
        );
      }
    });
  });
  await new Promise((listens) => server.listen(0, '127.0.0.1', listens));
  const { port } = server.address();
  return { port, path: `msrp://127.0.0.1:${port}/core;tcp`, chats, drop: () => sockets.forEach((s) => s.destroy()), close: () => server.close() };
}
