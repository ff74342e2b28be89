/**
 * Where in the folder of its bucket an object lies: at its key read as a path, so that people and tools find it, or under
 * `.keys/` when its key cannot be a path. No key leads out of the folder. Pure.
 */
import { createHash } from 'node:crypto';

/** Folder of the objects whose keys are no paths; keys that begin with it count among these. */
const ESCAPE_FOLDER = '.keys';
/** Bytes of a file's name in ext4, APFS and NTFS. */
const SEGMENT_BYTES_MAX = 255;
/** Names that Windows keeps to itself, and what its file names cannot hold. */
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
const WINDOWS_FORBIDDEN = /[<>:"|?*\\]|[. ]$/;

/** The key as a relative path with `/`; undefined when it cannot be one. */
export function naturalPath(key: string, platform: NodeJS.Platform = process.platform): string | undefined {
  const segments = key.split('/');
  if (segments[0]?.toLowerCase() === ESCAPE_FOLDER) return undefined;
  return segments.every((segment) => canBeName(segment, platform)) ? key : undefined;
}

/** A relative path for a key that is no path, or whose path is taken: the same for the same key, and for no other. */
export function escapedPath(key: string): string {
  return `${ESCAPE_FOLDER}/${createHash('sha256').update(key).digest('hex')}`;
}

/** Equal for paths that are one file on this platform. */
export function foldedPath(path: string, platform: NodeJS.Platform = process.platform): string {
  return platform === 'darwin' || platform === 'win32' ? path.normalize('NFC').toLowerCase() : path;
}

function canBeName(segment: string, platform: NodeJS.Platform): boolean {
  if (segment === '' || segment === '.' || segment === '..' || segment.includes('\0')) return false;
  if (Buffer.byteLength(segment) > SEGMENT_BYTES_MAX) return false;
  if (platform !== 'win32') return true;
  return !WINDOWS_DEVICE.test(segment) && !WINDOWS_FORBIDDEN.test(segment) && !hasControlCharacter(segment);
}

function hasControlCharacter(text: string): boolean {
  for (const character of text) if (character < ' ') return true;
  return false;
}
