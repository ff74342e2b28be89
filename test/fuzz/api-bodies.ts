/**
 * 10,000 requests to the events API, each of which must be refused with a reason or arrive intact:
 * `node test/fuzz/api-bodies.ts [--requests 10000] [--seed <number>]`. Exits 1 when one is not.
 */
import { parseArgs } from 'node:util';
import { startApi } from '../support/local/running-api.ts';
import { fuzzApi } from './fuzz-api.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const seed = Number(values.seed);
const requests = Number(values.requests);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(requests) || requests < 1) {
  throw new Error(`--requests ${values.requests} --seed ${values.seed}: whole numbers are allowed, requests from 1`);
}

const startedMs = Date.now();
// Without the throttling of the stage, which is not what is tried.
const api = await startApi({ api: { throttling: { requestsPerSecond: 10_000, burst: 5_000 } } });
try {
  const { statuses, violations, records } = await fuzzApi(api, { seed, requests });
  const answers = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${count} × ${status}`);
  console.log(`seed ${seed}: ${requests} requests in ${Math.round((Date.now() - startedMs) / 1_000)} s`);
  console.log(`answers: ${answers.join(', ')}; ${records} records read back and compared`);
  for (const line of [...violations, ...api.warnings]) console.log(`violation: ${line}`);
  console.log(`${violations.length + api.warnings.length} violations`);
  if (violations.length + api.warnings.length > 0) process.exitCode = 1;
} finally {
  await api.stop();
}
