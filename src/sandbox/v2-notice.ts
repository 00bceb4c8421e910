// Notices as WeChat Pay v2 posts them: XML, a payment's signed and a refund's sealed, and the ways in which the sandbox
// can spoil them. Builds requests, sends nothing.
import { randomBytes } from 'node:crypto';
import { printXml } from '../core/xml.ts';
import type { Identity } from './identity.ts';
import { type Fields, newNonce, type SignType, sealRefund, signedXml } from './v2-signing.ts';

export type V2Content = {
  readonly signType: SignType;
  readonly fields: Fields;
  /** A refund's own fields: they are sealed, and then nothing is signed. */
  readonly sealed?: Fields;
};

/** What of a notice's misbehaviour means something here: there are no serials, times and probes in XML notices. */
export const V2_SPOILS = ['tampered-amount', 'forged', 'missing-signature'] as const;
export type V2Spoil = (typeof V2_SPOILS)[number];
export const isV2Spoil = (kind: string): kind is V2Spoil => V2_SPOILS.some((one) => one === kind);

/** The body: the same bytes in every attempt of one notice. */
export const v2BodyOf = (content: V2Content, identity: Identity): string => bodyUnder(content, identity.apiV2Key);

function bodyUnder({ fields, sealed, signType }: V2Content, apiKey: string): string {
  const told = { return_code: 'SUCCESS', nonce_str: newNonce(), ...fields };
  if (sealed !== undefined) return printXml('xml', { ...told, req_info: sealRefund(sealed, apiKey) });
  return signedXml({ ...told, result_code: 'SUCCESS' }, apiKey, signType);
}

/** An attempt that must be refused: a thief knows neither the key nor the seal. */
export function spoiledV2Body(spoil: V2Spoil, content: V2Content, body: string): string {
  switch (spoil) {
    case 'tampered-amount':
      return content.sealed === undefined
        ? body.replace(/<total_fee>.*?<\/total_fee>/, '<total_fee>1</total_fee>')
        : body.replace(/(<req_info><!\[CDATA\[).{24}/, `$1${randomBytes(18).toString('base64')}`);
    case 'forged':
      return bodyUnder(content, randomBytes(24).toString('base64url'));
    case 'missing-signature':
      return body.replace(/<(sign|req_info)>.*?<\/\1>/, '');
  }
}

export const V2_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/xml',
  Accept: '*/*',
  'User-Agent': 'Mozilla/4.0',
};

/** Only these words are a receipt, whatever the status says (v2 docs: payment result notice). */
export const isV2Receipt = (status: number | null, answer: string): boolean =>
  status === 200 && /<return_code>(?:<!\[CDATA\[)?SUCCESS(?:\]\]>)?<\/return_code>/.test(answer);
