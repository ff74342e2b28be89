/** Every dataset that flows, by name. Adding one is its folder and its line here. */
import type { Dataset } from './dataset.ts';
import earthquakes from './earthquakes/dataset.ts';
import flights from './flights/dataset.ts';

const all: readonly Dataset[] = [earthquakes, flights];

export const datasets: ReadonlyMap<string, Dataset> = new Map(all.map((dataset) => [dataset.name, dataset]));
