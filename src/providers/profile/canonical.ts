// The bytes that a signature covers, as a profile describes them. The same for callbacks that come in and requests that
// go out. Never parses a body a second time, and never lets a member that it left out be believed.
import { concat, toBase64, utf8 } from '../../crypto/bytes.ts';
import { byName, type Fields, plainText, printJson, type Tree } from './document.ts';
import type { Signing } from './proof-schema.ts';

export type Signable = {
  /** Exactly the bytes of the body. */
  readonly body: Uint8Array;
  /** Its fields; needed by every content but raw and template. */
  readonly fields: Fields;
  /** What the words of a template stand for, the body apart. */
  readonly words: Readonly<Record<string, string>>;
};

/** Without the tail. Null when the body has not the form that this content needs. */
export function canonical(signing: Signing, { body, fields, words }: Signable): Uint8Array<ArrayBuffer> | null {
  switch (signing.content) {
    case 'raw':
      return concat(body);
    case 'template':
      return filled(signing.template, words, body);
    case 'sorted-fields':
      return utf8(sortedFields(signedFields(signing, fields), signing.skipEmpty));
    case 'sorted-json':
      return utf8(printJson(signedFields(signing, fields), true));
    case 'base64-json': {
      const text = new TextDecoder().decode(body);
      const signed = signing.in === 'field' ? withoutMember(text, signing.name) : text;
      return signed === null ? null : utf8(toBase64(utf8(signed)));
    }
  }
}

/** The body is put in as bytes, and never looked at for further words. */
function filled(template: string, words: Signable['words'], body: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts = template.split(/(\{[^{}]*\})/).map((part) => {
    const word = /^\{(.*)\}$/.exec(part)?.[1];
    if (word === 'body') return body;
    return utf8(word !== undefined && Object.hasOwn(words, word) ? (words[word] ?? '') : part);
  });
  return concat(...parts);
}

const signedFields = (signing: Signing, fields: Fields): Fields =>
  new Map([...fields].filter(([name]) => !isLeftOut(signing, name)));

const isLeftOut = ({ in: place, name: own, skip }: Signing, name: string): boolean =>
  skip.includes(name) || (place === 'field' && name === own);

function sortedFields(fields: Fields, skipEmpty: boolean): string {
  return [...fields]
    .sort(byName)
    .map(([name, value]) => [name, fieldText(value)] as const)
    .filter(([, text]) => !skipEmpty || text !== '')
    .map(([name, text]) => `${name}=${text}`)
    .join('&');
}

/** What holds further values is signed as compact JSON in the order it came. */
const fieldText = (value: Tree): string => {
  const plain = plainText(value);
  if (plain !== null) return plain;
  return value === null || value === '' ? '' : printJson(value, false);
};

type Member = { readonly name: string; readonly from: number; readonly to: number };

/** A JSON object's text with one of its members cut out, all else to the letter; null unless it is there just once. */
export function withoutMember(text: string, name: string): string | null {
  const members = membersOf(text);
  const others = members.filter((member) => member.name !== name);
  const [first, last] = [members[0], members.at(-1)];
  if (first === undefined || last === undefined || others.length !== members.length - 1) return null;
  const kept = others.map(({ from, to }) => text.slice(from, to)).join(',');
  return text.slice(0, first.from) + kept + text.slice(last.to);
}

/** The top-level members of text that has already been parsed as a JSON object. */
function membersOf(text: string): Member[] {
  const members: Member[] = [];
  let [depth, from, textFrom] = [0, 0, -1];
  let name: string | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (textFrom >= 0) {
      if (letter === '\\') at += 1;
      if (letter !== '"') continue;
      if (depth === 1) name ??= String(JSON.parse(text.slice(textFrom, at + 1)));
      textFrom = -1;
    } else if (letter === '"') textFrom = at;
    else if (letter === '{' || letter === '[') {
      depth += 1;
      if (depth === 1) from = at + 1;
    } else if (depth === 1 && (letter === ',' || letter === '}')) {
      if (name !== null) members.push({ name, from, to: at });
      [name, from] = [null, at + 1];
      if (letter === '}') depth -= 1;
    } else if (letter === '}' || letter === ']') depth -= 1;
  }
  return members;
}
