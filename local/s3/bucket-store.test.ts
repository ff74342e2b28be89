import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import { BucketStore } from './bucket-store.ts';
import { type Change, ChangeJournal } from './change-journal.ts';
import type { ObjectEvents } from './object-events.ts';
import { ObjectIndex, type StoredObject } from './object-index.ts';

let folder: string;
let clock: Clock;
let told: string[];

const events: ObjectEvents = {
  created: async (_change, { key, etag }) => void told.push(`created ${key} ${etag}`),
  deleted: async (_change, key) => void told.push(`deleted ${key}`),
};

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 's3-store-'));
  clock = createClock();
  told = [];
});

afterEach(() => {
  clock.stop();
  rmSync(folder, { recursive: true });
});

async function withStore(use: (store: BucketStore) => void | Promise<void>): Promise<void> {
  const store = new BucketStore(folder, clock, events);
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

const etagOf = (content: string): string => createHash('md5').update(content).digest('hex');

function put(store: BucketStore, key: string, content: string): void {
  const file = store.incomingFile();
  writeFileSync(file, content);
  const described = { size: content.length, etag: etagOf(content), headers: {} };
  const checksums = { type: 'FULL_OBJECT' as const, values: {} };
  store.commit({ bucket: 'subject', key, file, ...described, checksums, reason: 'PutObject' });
}

const contentOf = (store: BucketStore, key: string): string =>
  readFileSync(store.pathOf('subject', store.object('subject', key)), 'utf8');

function describeObject(key: string, content: string): StoredObject {
  const described = { size: content.length, etag: etagOf(content), modifiedAtMs: 1, headers: {} };
  return { key, file: key, ...described, checksums: { type: 'FULL_OBJECT', values: {} } };
}

/** What a process leaves that ends after it has written down a change. */
function leaveBehind(change: Change): void {
  const index = new ObjectIndex(path.join(folder, '.index.sqlite'));
  new ChangeJournal(index.database).begin(change);
  index.close();
}

describe('a store after a crash', () => {
  beforeEach(async () => {
    await withStore((store) => {
      store.makeBucket('subject');
      store.setPublishes('subject', true);
      put(store, 'a', 'before');
    });
    told = [];
  });

  const replacement: Change = {
    kind: 'created',
    bucket: 'subject',
    object: describeObject('a', 'the new content'),
    incoming: 'incoming-1',
    reason: 'PutObject',
    requestId: undefined,
  };

  it('has the old object when the new content had not come into place', async () => {
    writeFileSync(path.join(folder, '.incoming', 'incoming-1'), 'the new content');
    leaveBehind(replacement);

    await withStore((store) => {
      store.publishLeftovers();
      expect(contentOf(store, 'a')).toBe('before');
      expect(store.object('subject', 'a').etag).toBe(etagOf('before'));
    });
    expect(told).toEqual([]);
    expect(readdirSync(path.join(folder, '.incoming'))).toEqual([]);
  });

  it('has the new object, and tells of it, when its content had', async () => {
    writeFileSync(path.join(folder, '.incoming', 'incoming-1'), 'the new content');
    renameSync(path.join(folder, '.incoming', 'incoming-1'), path.join(folder, 'subject', 'a'));
    leaveBehind(replacement);

    await withStore((store) => {
      expect(contentOf(store, 'a')).toBe('the new content');
      expect(store.object('subject', 'a').etag).toBe(etagOf('the new content'));
      expect(told).toEqual([]);
      store.publishLeftovers();
    });
    expect(told).toEqual([`created a ${etagOf('the new content')}`]);
  });

  it('ends a deletion, and tells of it', async () => {
    leaveBehind({ kind: 'deleted', bucket: 'subject', object: describeObject('a', 'before'), requestId: undefined });

    await withStore((store) => {
      store.publishLeftovers();
      expect(store.keys('subject', '')).toEqual([]);
    });
    expect(told).toEqual(['deleted a']);
    expect(readdirSync(path.join(folder, 'subject'))).toEqual([]);
  });

  it('tells of each change once', async () => {
    leaveBehind({ kind: 'deleted', bucket: 'subject', object: describeObject('a', 'before'), requestId: undefined });

    await withStore((store) => store.publishLeftovers());
    await withStore((store) => store.publishLeftovers());

    expect(told).toEqual(['deleted a']);
  });

  it('takes no file for an object that was never put', async () => {
    mkdirSync(path.join(folder, 'subject', 'dt=1'));
    writeFileSync(path.join(folder, 'subject', 'dt=1', 'stray'), 'stray');

    await withStore((store) => {
      expect(store.keys('subject', '')).toEqual(['a']);
      put(store, 'dt=1/stray', 'put');
      expect(contentOf(store, 'dt=1/stray')).toBe('put');
    });
  });
});

describe('a store whose disk is full', () => {
  beforeEach(() => withStore((store) => void store.makeBucket('subject')));

  /** Rows are refused as by a full disk, until the returned function is called. */
  function fill(store: BucketStore, operation: 'INSERT' | 'DELETE' = 'INSERT'): () => void {
    const sql = `CREATE TEMP TRIGGER full BEFORE ${operation} ON objects BEGIN SELECT RAISE(ABORT, 'disk is full'); END`;
    store.index.database.exec(sql);
    return () => store.index.database.exec('DROP TRIGGER full');
  }

  it('writes the row of content that is in place as soon as it can, before anything else', async () => {
    await withStore((store) => {
      store.setPublishes('subject', true);
      put(store, 'a', 'old content');
      const empty = fill(store);
      expect(() => put(store, 'a', 'new')).toThrow('disk is full');
      expect(() => store.object('subject', 'a')).toThrow('disk is full');
      expect(() => put(store, 'b', 'other')).toThrow('disk is full');
      expect(() => store.delete('subject', 'a', 'request')).toThrow('disk is full');
      expect(told).toEqual([`created a ${etagOf('old content')}`]);

      empty();

      expect(contentOf(store, 'a')).toBe('new');
      expect(store.object('subject', 'a').etag).toBe(etagOf('new'));
      expect(store.keys('subject', '')).toEqual(['a']);
      put(store, 'a', 'newer');
      expect(told.slice(1)).toEqual([`created a ${etagOf('new')}`, `created a ${etagOf('newer')}`]);
    });
  });

  it('writes it at the next start otherwise', async () => {
    await withStore((store) => {
      store.setPublishes('subject', true);
      put(store, 'a', 'old content');
      fill(store);
      expect(() => put(store, 'a', 'new')).toThrow('disk is full');
    });
    told = [];

    await withStore((store) => {
      expect(contentOf(store, 'a')).toBe('new');
      expect(store.object('subject', 'a').etag).toBe(etagOf('new'));
      store.publishLeftovers();
    });
    expect(told).toEqual([`created a ${etagOf('new')}`]);
  });

  it('keeps an object whose row it cannot delete', async () => {
    await withStore((store) => {
      put(store, 'a', 'content');
      const empty = fill(store, 'DELETE');
      expect(() => store.delete('subject', 'a', 'request')).toThrow('disk is full');
      empty();

      expect(contentOf(store, 'a')).toBe('content');
    });
    await withStore((store) => expect(contentOf(store, 'a')).toBe('content'));
  });

  it('does not take for new content what was there before, when a change could not even be struck out', async () => {
    await withStore((store) => {
      put(store, 'a', 'old content');
      store.index.database.exec(
        `CREATE TEMP TRIGGER full BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'disk is full'); END`,
      );
      const file = store.incomingFile();
      const checksums = { type: 'FULL_OBJECT' as const, values: {} };
      const described = { size: 3, etag: etagOf('new'), headers: {}, checksums };
      const lost = { bucket: 'subject', key: 'a', file, ...described, reason: 'PutObject' as const };
      expect(() => store.commit(lost)).toThrow('ENOENT');
    });

    await withStore((store) => {
      expect(contentOf(store, 'a')).toBe('old content');
      expect(store.object('subject', 'a').etag).toBe(etagOf('old content'));
    });
  });
});

describe('a store whose events are not taken', () => {
  it('keeps the place of each among all changes, over a restart and over later changes', async () => {
    const sequencers: string[] = [];
    const take = (takes: boolean): ObjectEvents => {
      const told = async (change: { readonly sequencer: string }): Promise<void> => {
        if (!takes) throw new Error('disk is full');
        sequencers.push(change.sequencer);
      };
      return { created: told, deleted: told };
    };
    const first = new BucketStore(folder, clock, take(false));
    first.makeBucket('subject');
    first.setPublishes('subject', true);
    put(first, 'a', 'one');
    first.delete('subject', 'a', 'request');
    put(first, 'a', 'another');
    await first.close();

    const second = new BucketStore(folder, clock, take(true));
    put(second, 'a', 'the last');
    second.publishLeftovers();
    await second.close();

    const last = new BucketStore(folder, clock, take(true));
    last.publishLeftovers();
    expect(contentOf(last, 'a')).toBe('the last');
    expect(last.object('subject', 'a').etag).toBe(etagOf('the last'));
    await last.close();
    expect(sequencers).toEqual(['4', '1', '2', '3'].map((one) => one.padStart(18, '0')));
  });
});

/** Puts and deletes five keys over and over, and says on standard output whatever is told to EventBridge. */
const WRITER = `
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createClock } from ${JSON.stringify(new URL('../clock.ts', import.meta.url).href)};
import { BucketStore } from ${JSON.stringify(new URL('./bucket-store.ts', import.meta.url).href)};
import { writeSync } from 'node:fs';
const events = {
  created: async (_change, { key, etag }) => void writeSync(1, 'created ' + key + ' ' + etag + '\\n'),
  deleted: async (_change, key) => void writeSync(1, 'deleted ' + key + '\\n'),
};
const store = new BucketStore(process.argv[1], createClock(), events);
store.publishLeftovers();
store.makeBucket('subject');
store.setPublishes('subject', true);
for (let turn = 0; ; turn++) {
  await null;
  const key = 'folder/' + (turn % 5);
  if (turn % 7 === 6) { store.delete('subject', key, 'request'); continue; }
  const content = process.pid + ' ' + turn + ' '.repeat(turn % 100);
  const file = store.incomingFile();
  writeFileSync(file, content);
  const etag = createHash('md5').update(content).digest('hex');
  const checksums = { type: 'FULL_OBJECT', values: {} };
  store.commit({ bucket: 'subject', key, file, size: content.length, etag, headers: {}, checksums, reason: 'PutObject' });
}
`;

/** Runs the writer until it has told of `changes`, kills it, and gives what it told. */
async function killAfter(changes: number): Promise<readonly string[]> {
  const writer = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', WRITER, folder],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  for await (const part of writer.stdout) {
    output += String(part);
    if (output.split('\n').length > changes) writer.kill('SIGKILL');
  }
  return output.split('\n').slice(0, -1);
}

describe('a store whose process is killed', () => {
  it('has whole objects only, and each as it was last told', async () => {
    const last = new Map<string, string>();
    const remember = (lines: readonly string[]): void => {
      for (const line of lines) {
        const [kind = '', key = '', etag = ''] = line.split(' ');
        last.set(key, kind === 'created' ? etag : '');
      }
    };

    for (const changes of [3, 50, 211, 400]) {
      remember(await killAfter(changes));
      told = [];
      await withStore((store) => {
        store.publishLeftovers();
        remember(told);
        const found = new Map(store.keys('subject', '').map((key) => [key, etagOf(contentOf(store, key))]));
        const known = new Map(store.keys('subject', '').map((key) => [key, store.object('subject', key).etag]));
        expect(found).toEqual(known);
        expect(found).toEqual(new Map([...last].filter(([, etag]) => etag !== '')));
      });
      expect(readdirSync(path.join(folder, '.incoming'))).toEqual([]);
    }
  });
});
