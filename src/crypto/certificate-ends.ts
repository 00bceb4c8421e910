// When the certificates in some fields of a channel's credentials end. Reads dates; judges no trust and no clock.
import type { CredentialExpiry } from '../core/credential.ts';
import { certificateFieldsOf } from './certificate.ts';
import { pemBlocksOf } from './pem.ts';

/** Each certificate that can be read, under the name of its field; whatever else a field holds is passed over. */
export const certificateEnds = (fields: Readonly<Record<string, string | undefined>>): readonly CredentialExpiry[] =>
  Object.entries(fields).flatMap(([field, text = '']) =>
    pemBlocksOf(text).flatMap((block) => {
      const read = certificateFieldsOf(block.text);
      return read ? [{ field, serial: read.serial, effectiveAt: read.notBefore, expiresAt: read.notAfter }] : [];
    }),
  );
