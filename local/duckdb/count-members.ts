/** How many values lie within the lists and maps of a vector, told from DuckDB's own counts, before any is converted. */
import { DuckDBListVector, DuckDBMapVector, DuckDBStructVector, type DuckDBVector } from '@duckdb/node-api';

/** Members at every depth. Of lists of a fixed size, which no query here gives, nothing is counted. */
export function countMembers(vector: DuckDBVector): number {
  if (vector instanceof DuckDBListVector) return vector.childVector.itemCount + countMembers(vector.childVector);
  if (vector instanceof DuckDBMapVector) return countMembers(listOf(vector));
  if (!(vector instanceof DuckDBStructVector)) return 0;
  return vector.type.entryTypes.reduce((sum, _type, index) => sum + countMembers(vector.entryVectorAt(index)), 0);
}

/** A map is a list of its entries; the client keeps that list to itself. */
function listOf(map: DuckDBMapVector): DuckDBListVector {
  const list: unknown = Reflect.get(map, 'listVector');
  if (list instanceof DuckDBListVector) return list;
  throw new Error('This version of @duckdb/node-api keeps the entries of a map elsewhere than in `listVector`.');
}
