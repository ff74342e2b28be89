import { describe, expect, it } from '@jest/globals';
import { dropRun } from './drop-run.ts';
import { type DroppedObject, readDroppedObjects } from './dropped-objects.ts';
import { objectSource } from './source-objects.ts';

const event = (object: object, detailType = 'Object Created') => ({
  source: 'aws.s3',
  'detail-type': detailType,
  detail: {
    bucket: { name: 'raw' },
    object: { key: 'incoming/a.json', size: 7, etag: 'e', sequencer: '0A', ...object },
  },
});
const notification = (object: object, eventName = 'ObjectCreated:Put') => ({
  eventName,
  s3: { bucket: { name: 'raw' }, object: { key: 'incoming/a.json', size: 7, eTag: 'e', sequencer: '0A', ...object } },
});
const OBJECT: DroppedObject = { bucket: 'raw', key: 'incoming/a.json', sizeBytes: 7, etag: 'e', versionId: undefined };

describe('readDroppedObjects', () => {
  it.each([
    ['an event', event({}), [OBJECT]],
    ['an event of a version', event({ 'version-id': 'v1' }), [{ ...OBJECT, versionId: 'v1' }]],
    ['an event from before there were versions', event({ 'version-id': 'null' }), [OBJECT]],
    ['an event whose key is plain', event({ key: 'incoming/a+b c%20ü' }), [{ ...OBJECT, key: 'incoming/a+b c%20ü' }]],
    ['a deletion', event({}, 'Object Deleted'), []],
    ['a notification', { Records: [notification({})] }, [OBJECT]],
    [
      'a notification whose key is encoded',
      { Records: [notification({ key: 'incoming/a%2Bb+c%2520%C3%BC', versionId: 'v1' })] },
      [{ ...OBJECT, key: 'incoming/a+b c%20ü', versionId: 'v1' }],
    ],
    [
      'a notification of two',
      { Records: [notification({}), notification({ eTag: 'f' })] },
      [OBJECT, { ...OBJECT, etag: 'f' }],
    ],
    ['a notification of a removal', { Records: [notification({}, 'ObjectRemoved:Delete')] }, []],
    ['a test notification', { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'raw' }, []],
  ])('takes %s', (_, message, objects) => {
    expect(readDroppedObjects(message)).toEqual(objects);
  });

  it.each([
    ['nothing', undefined],
    ['another kind of message', { kind: 'run', runId: 'r' }],
    ['an event without a size', event({ size: undefined })],
    ['a notification whose key is no encoding', { Records: [notification({ key: '%zz' })] }],
    ['a notification in which one record says nothing', { Records: [notification({}), {}] }],
  ])('knows no objects in %s', (_, message) => {
    expect(readDroppedObjects(message)).toBeUndefined();
  });
});

describe('dropRun', () => {
  const settings = {
    bucket: 'raw',
    datasets: new Set(['earthquakes', 'flights']),
    defaultDataset: 'earthquakes',
    chunkRecordsMax: 500,
  };
  const drop = (object: Partial<DroppedObject>) => dropRun({ ...OBJECT, ...object }, settings);
  const idOf = (object: Partial<DroppedObject>) => {
    const made = drop(object);
    return 'run' in made ? made.run.id : undefined;
  };

  it.each([
    ['incoming/a.json', 'earthquakes'],
    ['incoming/flights/a.json', 'flights'],
    ['incoming/flights/2001/01/a b+ü.json', 'flights'],
    ['incoming/flights', 'earthquakes'],
  ])('takes %s as %s', (key, dataset) => {
    expect(drop({ key })).toMatchObject({
      kind: 'run',
      run: { dataset, source: { kind: 's3', bucket: 'raw', key, etag: 'e' }, chunkRecordsMax: 500 },
    });
  });

  it('refuses a folder that no dataset has, and names those there are', () => {
    expect(drop({ key: 'incoming/trains/a.json' })).toMatchObject({
      kind: 'refused',
      error: 'no dataset has this folder: received incoming/trains/, allowed: incoming/earthquakes/, incoming/flights/',
    });
  });

  it.each([
    ['of another bucket', { bucket: 'processed' }],
    ['elsewhere in the bucket', { key: 'archive/a.json' }],
    ['that shows a folder', { key: 'incoming/flights/', sizeBytes: 0 }],
    ['that shows a folder, with content', { key: 'incoming/trains/', sizeBytes: 3 }],
    ['that Hadoop shows a folder by', { key: 'incoming/flights_$folder$', sizeBytes: 0 }],
  ])('ignores an object %s', (_, object) => {
    expect(drop(object).kind).toBe('ignored');
  });

  it('gives a version of an object one run, and another version another', () => {
    const ids = [{}, { etag: 'f' }, { versionId: 'v1' }, { versionId: 'v2' }, { key: 'incoming/b.json' }].map(idOf);

    expect(idOf({ versionId: 'v1', etag: 'other' })).toBe(idOf({ versionId: 'v1' }));
    expect(idOf({ sizeBytes: 8 })).toBe(idOf({}));
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^s3-[0-9a-f]{32}$/);
  });
});

describe('objectSource', () => {
  it('is a URI of the version, whatever the key', () => {
    expect(objectSource({ bucket: 'raw', key: 'incoming/a b+ü?#.json', etag: 'e' })).toBe(
      's3://raw/incoming/a%20b%2B%C3%BC%3F%23.json?etag=e',
    );
    expect(objectSource({ bucket: 'raw', key: 'a', versionId: 'v/1', etag: 'e' })).toBe('s3://raw/a?versionId=v%2F1');
  });
});
