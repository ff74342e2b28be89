/**
 * The one endpoint of the local runtime: HTTP/1.1 and HTTP/2 without TLS on the same port of the loopback interface.
 *
 * The first three bytes of a connection tell the protocol: an HTTP/2 client begins with `PRI * HTTP/2.0` (RFC 9113, 3.4).
 * The JavaScript Kinesis client speaks HTTP/2 even in clear; everything else HTTP/1.1.
 */
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import type { LocalService } from '../service.ts';
import { createExchange, type Incoming, type Outgoing } from './exchange.ts';
import { listenError } from './listen-error.ts';

export interface FrontOptions {
  /** The services, or what gives them: a front may listen before they are made, to learn its port. */
  readonly services: readonly LocalService[] | (() => readonly LocalService[]);
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  /** Loopback only. Default `127.0.0.1`. */
  readonly host?: '127.0.0.1' | '::1';
  /** Default 5 GiB, the most that S3 takes in one PUT. Services have lower caps of their own. */
  readonly bodyBytesMax?: number;
  /** Default: standard error. */
  readonly log?: (line: string) => void;
}

export interface Front {
  /** Resolves to the URL, such as `http://127.0.0.1:4566`. @throws Error with one clear line when the port is taken */
  listen(): Promise<string>;
  /** Takes no more requests, lets those under way finish (at most 3 s), and closes every connection. */
  close(): Promise<void>;
}

/** Bytes of request headers; AWS's own limit is lower, presigned URLs with session tokens are the longest. */
const HEADER_BYTES_MAX = 64 * 1024;
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
const CLOSE_GRACE_MS = 3_000;
/** Bytes in flight before a client waits: the default of 64 KiB halts a 10 MiB PutRecords 160 times. */
const HTTP2_WINDOW_BYTES = 16 * 1024 * 1024;
const HTTP2_STREAMS_MAX = 1_000;
/** Megabytes that one connection may hold; past it the session refuses streams. The default of 10 is one PutRecords. */
const HTTP2_SESSION_MEMORY_MAX = 512;
const PREFACE_BYTES = 3;

export function createFront(options: FrontOptions): Front {
  const { port, host = '127.0.0.1' } = options;
  const { services } = options;
  let closing = false;
  const exchange = createExchange({
    services: typeof services === 'function' ? services : () => services,
    bodyBytesMax: options.bodyBytesMax ?? 5 * 1024 ** 3,
    log: options.log ?? ((line) => process.stderr.write(`${line}\n`)),
    closing: () => closing,
  });
  const connections = new Connections();
  const http1 = createHttp1(exchange, connections);
  const h2 = createHttp2(exchange, connections);

  const server = net.createServer({ noDelay: true }, (socket) => {
    connections.add(socket);
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    const peek = (): void => {
      const preface: Buffer | null = socket.read(PREFACE_BYTES);
      if (preface === null) return void (socket.readableEnded ? socket.destroy() : socket.once('readable', peek));
      socket.unshift(preface);
      if (preface.toString('latin1') !== 'PRI') return void http1.emit('connection', socket);
      connections.speaksHttp2(socket);
      h2.emit('connection', socket);
    };
    socket.once('readable', peek);
  });

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
        server.listen(port, host, () => {
          const address = server.address();
          const bound = typeof address === 'object' && address ? address.port : port;
          resolve(`http://${host === '::1' ? '[::1]' : host}:${bound}`);
        });
      }),
    close: async () => {
      closing = true;
      const closed = new Promise<void>((resolve) => {
        if (server.listening) server.close(() => resolve());
        else resolve();
      });
      connections.finish();
      const grace = setTimeout(() => connections.destroyAll(), CLOSE_GRACE_MS);
      await closed;
      clearTimeout(grace);
    },
  };
}

type Exchange = (incoming: Incoming, outgoing: Outgoing) => Promise<void>;

function createHttp1(exchange: Exchange, connections: Connections): http.Server {
  const onRequest = (incoming: http.IncomingMessage, outgoing: http.ServerResponse): void => {
    connections.begin(incoming.socket);
    outgoing.once('close', () => connections.end(incoming.socket));
    void exchange(incoming, outgoing);
  };
  const server = http.createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS, requestTimeout: 0 },
    onRequest,
  );
  // The AWS CLI sends S3 bodies only after this answer. The service may still refuse; the body is then read and dropped.
  server.on('checkContinue', (incoming: http.IncomingMessage, outgoing: http.ServerResponse) => {
    outgoing.writeContinue();
    onRequest(incoming, outgoing);
  });
  return server;
}

function createHttp2(exchange: Exchange, connections: Connections): http2.Http2Server {
  const server = http2.createServer(
    {
      maxSessionMemory: HTTP2_SESSION_MEMORY_MAX,
      settings: {
        initialWindowSize: HTTP2_WINDOW_BYTES,
        maxConcurrentStreams: HTTP2_STREAMS_MAX,
        maxHeaderListSize: HEADER_BYTES_MAX,
      },
    },
    (incoming, outgoing) => void exchange(incoming, outgoing),
  );
  server.on('checkContinue', (incoming: http2.Http2ServerRequest, outgoing: http2.Http2ServerResponse) => {
    outgoing.writeContinue();
    void exchange(incoming, outgoing);
  });
  server.on('session', (session) => {
    session.setLocalWindowSize(HTTP2_WINDOW_BYTES);
    connections.addSession(session);
  });
  server.on('sessionError', () => undefined);
  return server;
}

/** Every connection and what is under way on it, so that closing can wait for work and not for idle clients. */
class Connections {
  /** Requests under way on each HTTP/1.1 connection, and 0 for one that has not said its protocol yet. */
  readonly #http1 = new Map<net.Socket, number>();
  readonly #http2 = new Set<net.Socket>();
  readonly #sessions = new Set<http2.ServerHttp2Session>();
  #finishing = false;

  add(socket: net.Socket): void {
    this.#http1.set(socket, 0);
    socket.once('close', () => {
      this.#http1.delete(socket);
      this.#http2.delete(socket);
    });
  }

  speaksHttp2(socket: net.Socket): void {
    this.#http1.delete(socket);
    this.#http2.add(socket);
  }

  addSession(session: http2.ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    if (this.#finishing) session.close();
  }

  begin(socket: net.Socket): void {
    this.#http1.set(socket, (this.#http1.get(socket) ?? 0) + 1);
  }

  end(socket: net.Socket): void {
    const left = (this.#http1.get(socket) ?? 1) - 1;
    if (this.#http1.has(socket)) this.#http1.set(socket, left);
    if (this.#finishing && left === 0) socket.end();
  }

  finish(): void {
    this.#finishing = true;
    for (const session of this.#sessions) session.close();
    for (const [socket, underWay] of this.#http1) if (underWay === 0) socket.destroy();
  }

  destroyAll(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of [...this.#http1.keys(), ...this.#http2]) socket.destroy();
  }
}
