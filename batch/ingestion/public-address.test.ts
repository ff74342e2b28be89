import { describe, expect, it } from '@jest/globals';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';

describe('an address is public', () => {
  it.each(['8.8.8.8', '93.184.216.34', '172.32.0.1', '100.128.0.1', '2600:1f18::1', '2a00:1450:4001:80f::200e'])(
    'as %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.0.1', '169.254.169.254', '169.254.170.2'],
    ...['172.16.0.1', '172.31.255.255', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
    ...['::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:a9fe:a9fe', '::127.0.0.1', '64:ff9b::a9fe:a9fe'],
    ...['2002:7f00:1::', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'ff02::1', '2001:db8::1'],
    ...['', 'localhost', '127.1', '0x7f.1', '[::1]'],
  ])('but not %j', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['128.0.0.1', false],
  ['::ffff:127.0.0.1', false],
  ['::2', false],
  ['localhost', false],
])('%s is on loopback: %s', (address, expected) => {
  expect(isLoopbackAddress(address)).toBe(expected);
});
