import { expect, it } from '@jest/globals';
import { createClock } from '../clock.ts';
import { createFront } from '../front/front.ts';
import { firehoseOperations } from './operations.ts';

const unused = (): never => {
  throw new Error('is not used by this operation');
};

const handle = firehoseOperations({
  environment: {
    ...{ account: '000000000000', region: 'us-east-1', endpoint: '', folder: unused },
    clock: createClock(),
  },
  faults: { rejects: unused },
  names: () => ['first', 'second'],
  find: unused,
  takeIn: unused,
});

async function list(input: object): Promise<{ readonly status: number; readonly body: unknown }> {
  const front = createFront({ services: [{ scope: 'firehose', handle, resourceKinds: [] }], port: 0 });
  const url = await front.listen();
  try {
    const headers = { 'x-amz-target': 'Firehose_20150804.ListDeliveryStreams' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(input) });
    return { status: answer.status, body: await answer.json() };
  } finally {
    await front.close();
  }
}

it.each([
  [{}, ['first', 'second']],
  [{ DeliveryStreamType: 'DirectPut' }, ['first', 'second']],
  [{ DeliveryStreamType: 'KinesisStreamAsSource' }, []],
])('ListDeliveryStreams with %j lists streams of that type', async (input, names) => {
  const { body } = await list(input);

  expect(body).toEqual({ DeliveryStreamNames: names, HasMoreDeliveryStreams: false });
});

it('ListDeliveryStreams names the types that there are when it is given another', async () => {
  const { status, body } = await list({ DeliveryStreamType: 'Other' });

  expect(status).toBe(400);
  expect(body).toMatchObject({ message: expect.stringContaining('KinesisStreamAsSource') });
});
