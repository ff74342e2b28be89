/**
 * Addresses that a pull may connect to. What a public name resolves to must be public: whoever keeps the name could else
 * have the function ask hosts that it alone reaches, such as the instance metadata of its network.
 * Sources: https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
 */
import { BlockList, isIP } from 'node:net';

const NOT_PUBLIC_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Those that carry an IPv4 address (mapped, translated, tunnelled) are among them: such a one is connected to as IPv4. */
const NOT_PUBLIC_V6: readonly (readonly [string, number])[] = [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

// A list each: a rule of one family would be held against addresses of the other, mapped.
const v4 = new BlockList();
for (const [net, prefix] of NOT_PUBLIC_V4) v4.addSubnet(net, prefix, 'ipv4');
const v6 = new BlockList();
for (const [net, prefix] of NOT_PUBLIC_V6) v6.addSubnet(net, prefix, 'ipv6');
const loopbackV4 = new BlockList();
loopbackV4.addSubnet('127.0.0.0', 8, 'ipv4');

/** @param address an IP address without brackets; whatever is none is not public */
export function isPublicAddress(address: string): boolean {
  const plain = withoutZone(address);
  const family = isIP(plain);
  if (family === 4) return !v4.check(plain, 'ipv4');
  return family === 6 && !v6.check(plain, 'ipv6');
}

export function isLoopbackAddress(address: string): boolean {
  const plain = withoutZone(address);
  return isIP(plain) === 4 ? loopbackV4.check(plain, 'ipv4') : plain === '::1';
}

/** `fe80::1%eth0` */
function withoutZone(address: string): string {
  return address.split('%')[0] ?? '';
}
