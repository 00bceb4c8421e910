// PEM: tells what kind of thing a pasted text holds, before anything tries to read it. Never reads the key itself.

export type PemKind =
  | 'certificate'
  | 'public_key'
  | 'private_key'
  | 'encrypted_private_key'
  | 'other'
  | 'several'
  | 'none';

const KINDS: Readonly<Record<string, PemKind>> = {
  CERTIFICATE: 'certificate',
  'PUBLIC KEY': 'public_key',
  'RSA PUBLIC KEY': 'public_key',
  'PRIVATE KEY': 'private_key',
  'RSA PRIVATE KEY': 'private_key',
  'ENCRYPTED PRIVATE KEY': 'encrypted_private_key',
};

/** Goes by the BEGIN lines alone. `several`: more than one block, as in a chain or a bundle. */
export function pemKindOf(text: string): PemKind {
  const labels = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map((match) => match[1] ?? '');
  if (labels.length > 1) return 'several';
  const [label] = labels;
  if (label === undefined) return 'none';
  // The traditional form of an encrypted key says so in a header line (RFC 1421), not in its label.
  if (/^Proc-Type:.*ENCRYPTED/m.test(text)) return 'encrypted_private_key';
  return Object.hasOwn(KINDS, label) ? (KINDS[label] ?? 'other') : 'other';
}
