import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';

/** How far a server goes before it says nothing more. */
export type Stage =
  /** It takes the connection. */
  | 'accepted'
  /** It sends the head of an HTTP answer. */
  | 'headers'
  /** It sends the head and a part of the body, for a stream some rows. */
  | 'body'
  /** It agrees to speak over WebSocket. */
  | 'upgraded'
  /** It takes the token. */
  | 'welcomed';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';

const STREAM = [
  '{"baton":null,"base_url":null}',
  '{"type":"step_begin","step":0,"cols":[{"name":"a","decltype":null}]}',
  '{"type":"row","row":[{"type":"integer","value":"1"}]}\n',
].join('\n');

/** Starts a server that accepts and never answers in full. @returns its address without a scheme */
export async function startStalling(stage: Stage): Promise<string> {
  return stage === 'upgraded' || stage === 'welcomed' ? await overSocket(stage) : await overHttp(stage);
}

async function overHttp(stage: Stage): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (stage === 'accepted') return;
      socket.write(HEAD);
      if (stage === 'body') socket.write(chunk(data.includes('/cursor ') ? STREAM : '{"baton":'));
    });
  });
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return `127.0.0.1:${port}`;
}

async function overSocket(stage: Stage): Promise<string> {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: (protocols) => [...protocols][0] ?? false,
  });
  server.on('connection', (socket) => {
    if (stage === 'welcomed') socket.once('message', () => socket.send('{"type":"hello_ok"}'));
  });
  onTestFinished(async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  return `127.0.0.1:${port}`;
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
