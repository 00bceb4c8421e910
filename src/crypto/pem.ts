// PEM: tells what kind of thing a pasted text holds, before anything tries to read it. Never reads the key itself.
import { fromBase64 } from './bytes.ts';

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

export type PemBlock = { readonly label: string; readonly text: string; readonly bytes: Uint8Array<ArrayBuffer> };

/** The blocks of a bundle in order, each as PEM of its own; those that are not base64 are left out. */
export function pemBlocksOf(text: string): PemBlock[] {
  const found = text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g);
  return [...found].flatMap(([block, label = '', body = '']) => {
    const bytes = fromBase64(body.replace(/\s+/g, ''));
    return bytes === null ? [] : [{ label, text: `${block}\n`, bytes }];
  });
}

/** Bare base64 as key tools print it, put between BEGIN and END lines. Text that has such lines is left as it is. */
export function pemOf(label: string, text: string): string {
  if (text.includes('-----BEGIN')) return text;
  const lines = text.replace(/\s+/g, '').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** What pastes bend, made straight: lines that are indented, run together, or written as \n. No letter changes. */
export function straightened(text: string): string {
  const lined = text.includes('\n') ? text : text.replaceAll('\\n', '\n');
  return lined.replace(
    /-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g,
    (_, label: string, body: string) => pemOf(label, body),
  );
}
