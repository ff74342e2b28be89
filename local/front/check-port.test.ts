import { once } from 'node:events';
import net from 'node:net';
import { expect, it } from '@jest/globals';
import { checkPort } from './check-port.ts';

it('says in one line that a port is in use, and lets go of one that is not', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;

  await expect(checkPort(port)).rejects.toThrow(new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is in use\\. .*$`));
  await new Promise((resolve) => server.close(resolve));

  await checkPort(port);
  await checkPort(port);
});
