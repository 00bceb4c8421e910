// MD5: the vectors of its specification (RFC 1321, appendix A.5).
import { expect, it } from 'vitest';
import { toHex, utf8 } from '../../src/crypto/bytes.ts';
import { md5 } from '../../src/crypto/md5.ts';

it.each([
  ['', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['a', '0cc175b9c0f1b6a831c399e269772661'],
  ['abc', '900150983cd24fb0d6963f7d28e17f72'],
  ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
])('of %j is the specified one', (text, digest) => {
  expect(toHex(md5(utf8(text)))).toBe(digest);
});

it('keeps leading zeros', () => {
  expect(toHex(md5(utf8('jk8ssl')))).toBe('0000000018e6137ac2caab16074784a6');
});
