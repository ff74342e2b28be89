/** A small HTTP server that real SDK clients talk to: AWS JSON, or plain objects; it answers as a test wants. */
import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  /** Operation, such as `PutRecordBatch`; empty outside AWS JSON. */
  readonly operation: string;
  readonly body: Buffer;
}

export interface Answer {
  /** Default 200. */
  readonly status?: number;
  /** A text or bytes are sent as they stand, another object as JSON. */
  readonly body?: object | string | Uint8Array;
  /** Answers nothing and closes the connection. */
  readonly hangUp?: boolean;
  /** Answers never. */
  readonly silent?: boolean;
}

export interface AwsJsonServer {
  readonly endpoint: string;
  readonly requests: readonly ReceivedRequest[];
  close(): Promise<void>;
}

/** @param answer for the request, and how many came before it */
export async function startAwsJsonServer(
  answer: (request: ReceivedRequest, index: number) => Answer,
): Promise<AwsJsonServer> {
  const requests: ReceivedRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    void receive(incoming).then((request) => {
      const { status = 200, body = {}, hangUp, silent } = answer(request, requests.push(request) - 1);
      if (hangUp) incoming.socket.destroy();
      else if (!silent) {
        outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
        outgoing.end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function receive(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const target = incoming.headers['x-amz-target'];
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    operation: typeof target === 'string' ? target.slice(target.indexOf('.') + 1) : '',
    body: await buffer(incoming),
  };
}

/** An error as AWS JSON 1.1 writes it. */
export function awsError(code: string, status: number, message = `${code}, said the test`): Answer {
  return { status, body: { __type: code, message } };
}

/** For clients of the server: no profile, no metadata service. */
export function clientOptions(endpoint: string) {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
}
