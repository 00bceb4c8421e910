// How the pretend Tokenim words and signs a message: JSON, form or XML, every algorithm and content that a profile can
// name. Written apart from the gateway's own code, so that the two can disagree.
import { createHash, createHmac, sign } from 'node:crypto';

export type Form = 'json' | 'form' | 'xml';
/** Flat: what all three forms can carry. Numbers are whole. */
export type Fields = Readonly<Record<string, string | number>>;

export type Scheme = {
  readonly algorithm: 'hmac-sha256' | 'hmac-sha512' | 'md5' | 'rsa-sha256' | 'ed25519';
  readonly content: 'raw' | 'template' | 'sorted-fields' | 'sorted-json' | 'base64-json';
  readonly place: 'header' | 'field';
  readonly encoding: 'hex' | 'base64';
  readonly prefix?: string;
  /** Header or field of the signature. */
  readonly name: string;
  /** Header of the time, for the content `template`; null where messages carry no time of their own. */
  readonly timeHeader: string | null;
  /** For the HMACs and MD5. */
  readonly secret: string;
  /** PEM, for RSA and ed25519. */
  readonly privateKey?: string;
};

/** The defaults that the gateway ships for this provider. */
export const DEFAULT_SCHEME: Omit<Scheme, 'secret'> = {
  algorithm: 'hmac-sha256',
  content: 'template',
  place: 'header',
  encoding: 'hex',
  name: 'Tokenim-Signature',
  timeHeader: 'Tokenim-Timestamp',
};

export type Message = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

const TYPES: Readonly<Record<Form, string>> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  xml: 'text/xml; charset=utf-8',
};

/** A message as it goes out at this second. */
export function signedMessage(fields: Fields, form: Form, scheme: Scheme, seconds: number): Message {
  const unsigned = bodyOf(fields, form);
  const text = signedText(fields, form, unsigned, scheme, seconds);
  const signature = (scheme.prefix ?? '') + signText(text, scheme);
  const time: Record<string, string> = scheme.timeHeader === null ? {} : { [scheme.timeHeader]: String(seconds) };
  const headers = { 'Content-Type': TYPES[form], ...time };
  if (scheme.place === 'header') return { headers: { ...headers, [scheme.name]: signature }, body: unsigned };
  return { headers, body: bodyOf({ ...fields, [scheme.name]: signature }, form) };
}

function signedText(fields: Fields, form: Form, body: string, { content }: Scheme, seconds: number): string {
  switch (content) {
    case 'raw':
      return body;
    case 'template':
      return `${seconds}.${body}`;
    case 'sorted-fields': {
      const named = Object.keys(fields).sort();
      return named.flatMap((name) => (fields[name] === '' ? [] : [`${name}=${fields[name]}`])).join('&');
    }
    case 'sorted-json': {
      const sorted: Record<string, string | number> = {};
      // Only JSON knows numbers; a form and XML carry text.
      for (const name of Object.keys(fields).sort()) {
        sorted[name] = form === 'json' ? (fields[name] ?? '') : String(fields[name]);
      }
      return JSON.stringify(sorted);
    }
    case 'base64-json':
      return Buffer.from(body).toString('base64');
  }
}

function signText(text: string, scheme: Scheme): string {
  const { algorithm, content, secret, encoding, privateKey = '' } = scheme;
  switch (algorithm) {
    case 'hmac-sha256':
      return createHmac('sha256', secret).update(text).digest(encoding);
    case 'hmac-sha512':
      return createHmac('sha512', secret).update(text).digest(encoding);
    case 'md5':
      return createHash('md5')
        .update(content === 'sorted-fields' ? `${text}&key=${secret}` : text + secret)
        .digest(encoding);
    case 'rsa-sha256':
      return sign('sha256', Buffer.from(text), privateKey).toString(encoding);
    case 'ed25519':
      return sign(null, Buffer.from(text), privateKey).toString(encoding);
  }
}

/** The body in one of the forms. XML is escaped by hand, every value an element below `message`. */
export function bodyOf(fields: Fields, form: Form): string {
  switch (form) {
    case 'json':
      return JSON.stringify(fields);
    case 'form':
      return new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)])).toString();
    case 'xml': {
      const elements = Object.entries(fields).map(([name, value]) => `<${name}>${escaped(String(value))}</${name}>`);
      return `<message>${elements.join('')}</message>`;
    }
  }
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The fields of a flat body in any of the forms; good enough for requests that the gateway sends. */
export function fieldsIn(body: string, contentType: string): Record<string, string> {
  if (contentType.includes('json')) {
    const value: unknown = JSON.parse(body || '{}');
    return Object.fromEntries(Object.entries(value ?? {}).map(([name, part]) => [name, String(part)]));
  }
  if (!contentType.includes('xml')) return Object.fromEntries(new URLSearchParams(body));
  const parts = [...body.matchAll(/<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))<\/\1>/gs)];
  return Object.fromEntries(parts.map(([, name = '', data, text]) => [name, data ?? text ?? '']));
}
