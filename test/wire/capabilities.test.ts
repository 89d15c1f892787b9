import { expect, test } from 'bun:test';
import { capabilityNumbers } from '../../src/wire/capabilities.ts';

test.each([
  [['CHOWN'], [0]],
  [['CAP_NET_BIND_SERVICE'], [10]],
  [
    ['net_raw', 'SYS_ADMIN'],
    [13, 21],
  ],
  [['CHECKPOINT_RESTORE'], [40]],
  [['NOT_ONE'], []],
  [[], []],
])('%p are the numbers %p', (names, numbers) => {
  expect(capabilityNumbers(names)).toEqual(numbers);
});

test('ALL is every capability of linux/capability.h, 0 to 40', () => {
  expect(capabilityNumbers(['ALL', 'CHOWN'])).toEqual(Array.from({ length: 41 }, (_, n) => n));
});
