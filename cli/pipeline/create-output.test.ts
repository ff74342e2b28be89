import { expect, it } from '@jest/globals';
import { createOutput } from './create-output.ts';

function written(terminal: { readonly isTTY?: boolean; readonly columns?: number } = {}) {
  let nowMs = 1_000;
  const [out, err]: [string[], string[]] = [[], []];
  const output = createOutput({
    out: { write: (text) => out.push(text) },
    err: { write: (text) => err.push(text), ...terminal },
    now: () => nowMs,
  });
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { output, out, err, pass };
}

it('writes progress over itself on a terminal, and takes it away', () => {
  const { output, err } = written({ isTTY: true });

  for (const text of ['putting', 'put', '', '']) output.progress(text);

  expect(err).toEqual(['\rputting', '\rput    ', '\r   \r']);
});

it('clips progress to the terminal: a line that wraps cannot be written over', () => {
  const { output, err } = written({ isTTY: true, columns: 10 });

  output.progress('0123456789');

  expect(err).toEqual(['\r01234567…']);
});

it('gives a log a line of progress after three seconds, then every fifteen', () => {
  const { output, err, pass } = written();

  for (let second = 0; second <= 34; second++, pass(1_000)) {
    output.progress(`second ${second}`);
    output.progress('');
  }

  expect(err).toEqual(['second 3\n', 'second 18\n', 'second 33\n']);
});

it('keeps a note, and what is printed apart from it', () => {
  const { output, out, err } = written({ isTTY: true });

  output.progress('waiting');
  output.note('run 1');
  output.print('done');

  expect(err).toEqual(['\rwaiting', '\r       \r', 'pipeline: run 1\n']);
  expect(out).toEqual(['done\n']);
});
