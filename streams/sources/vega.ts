/**
 * Real records for the demonstration and the benchmarks, from the development dependency `vega-datasets`: a week of
 * earthquakes of the USGS, and domestic flights of the United States. As JSON gives them, not validated.
 */
import { readFile } from 'node:fs/promises';

/** 1,707 GeoJSON features, newest first. */
export async function* earthquakeFeatures(): AsyncGenerator<unknown, void, undefined> {
  const collection = await readData('earthquakes.json');
  if (typeof collection !== 'object' || collection === null || !('features' in collection)) {
    throw new TypeError('earthquakes.json of vega-datasets: received no GeoJSON feature collection.');
  }
  yield* asArray('earthquakes.json', collection.features);
}

/** 2,000 flights of 2001: `date` as `yyyy/MM/dd HH:mm`, `delay` in minutes, `distance` in miles. */
export async function* flights2k(): AsyncGenerator<unknown, void, undefined> {
  yield* asArray('flights-2k.json', await readData('flights-2k.json'));
}

/** The file of all 3 million flights, Parquet: for DuckDB, which reads it by its URL's path. */
export function flights3mUrl(): URL {
  return dataUrl('flights-3m.parquet');
}

async function readData(file: string): Promise<unknown> {
  return JSON.parse(await readFile(dataUrl(file), 'utf8'));
}

/** The package exports its module only, which lies in `build/` beside `data/`. */
function dataUrl(file: string): URL {
  return new URL(`../data/${file}`, import.meta.resolve('vega-datasets'));
}

function asArray(file: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value))
    throw new TypeError(`${file} of vega-datasets: received ${typeof value}, allowed: an array.`);
  return value;
}
