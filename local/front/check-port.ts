import net from 'node:net';
import { listenError } from './listen-error.ts';

const HOST = '127.0.0.1';

/**
 * Tells early that a port cannot be had: it is listened on for a moment, and free again when this resolves.
 * @param port 0 is always to be had
 * @throws Error with one clear line
 */
export function checkPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error) => reject(listenError(error, HOST, port)));
    server.listen(port, HOST, () => server.close(() => resolve()));
  });
}
