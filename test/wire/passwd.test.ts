import { describe, expect, test } from 'bun:test';
import { findUser, groupsOf } from '../../src/wire/passwd.ts';

const PASSWD = [
  'root:x:0:0:root:/root:/bin/sh',
  '# a comment',
  '',
  'short:x',
  'bad:x:abc:5::/bad:',
  'app:x:1000:1001:App,,,:/home/app:/bin/sh',
  'twin:x:1000:2000::/home/twin:',
  'app:x:7:7::/second:',
  'nohome:x:1003:1003',
].join('\n');
const GROUP = 'root:x:0:\nwheel:x:10:root,app\nvideo:x:44:app\nbad:x:zz:app\nlast:x:99:x,app\r\n';

describe('passwd and group files', () => {
  test.each([
    ['a name', 'app', { name: 'app', uid: 1000, gid: 1001, home: '/home/app' }],
    ['a uid: its first entry', 1000, { name: 'app', uid: 1000, gid: 1001, home: '/home/app' }],
    ['root', 0, { name: 'root', uid: 0, gid: 0, home: '/root' }],
    ['an entry without a home', 1003, { name: 'nohome', uid: 1003, gid: 1003, home: '' }],
  ])('%s is found', (_name, wanted, user) => {
    expect(findUser(PASSWD, wanted)).toEqual(user);
  });

  test.each([['nobody'], [4242], ['bad'], ['short'], ['# a comment'], ['']])(
    '%p is not there',
    (wanted) => {
      expect(findUser(PASSWD, wanted)).toBeUndefined();
    },
  );

  test('the groups that name a user as a member, not its own', () => {
    expect(groupsOf(GROUP, 'app')).toEqual([10, 44, 99]);
    expect(groupsOf(GROUP, 'root')).toEqual([10]);
    expect(groupsOf(GROUP, 'nobody')).toEqual([]);
    expect(groupsOf('', 'app')).toEqual([]);
  });
});
