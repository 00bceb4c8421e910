// A callback's body as a tree, whichever form it came in: JSON, form fields or XML. Keeps numbers as they were written
// and names in maps, so that no float touches an amount and no name reaches a prototype. Never throws, never guesses.
import { parseWritten, WrittenNumber } from '../../core/written-json.ts';
import { parseXml, type XmlElement } from '../../core/xml.ts';
import { fromUtf8 } from '../../crypto/bytes.ts';

export type Format = 'json' | 'form' | 'xml';

/** A number is the text that stood for it: 1.0 and 1 differ in a signature. */
export type Tree = string | boolean | null | { readonly number: string } | readonly Tree[] | Fields;
export type Fields = ReadonlyMap<string, Tree>;
export type Document = { readonly format: Format; readonly root: Fields };

const DEPTH_MAX = 16;
const FIELDS_MAX = 1_000;

/**
 * The form that the bytes themselves show, which a signature covers and a header is not part of: a signed JSON body
 * relabelled as a form must not be read anew.
 */
export function formOf(text: string): Format {
  if (/^\s*\{/.test(text)) return 'json';
  return /^\s*</.test(text) ? 'xml' : 'form';
}

/** What a Content-Type claims; null when it claims none of the three. */
export function claimedForm(contentType: string): Format | null {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  if (/^(?:application|text)\/(?:[\w.-]+\+)?json$/.test(type)) return 'json';
  return /^(?:application|text)\/(?:[\w.-]+\+)?xml$/.test(type) ? 'xml' : null;
}

/** Null when the bytes are not what their form asks for. */
export function parseDocument(bytes: Uint8Array): Document | null {
  const text = fromUtf8(bytes);
  if (text === null) return null;
  const format = formOf(text);
  const root =
    format === 'json' ? parseJsonFields(bytes, text) : format === 'xml' ? parseXmlFields(text) : parseForm(text);
  return root === null ? null : { format, root };
}

const isFields = (tree: Tree | undefined): tree is Fields => tree instanceof Map;
const isList = (tree: Tree | undefined): tree is readonly Tree[] => Array.isArray(tree);

function parseJsonFields(bytes: Uint8Array, text: string): Fields | null {
  if (isTooDeep(text)) return null;
  const tree = keep(parseWritten(bytes));
  return isFields(tree) ? tree : null;
}

/** What JSON.parse made, with its objects as maps. Undefined where it made nothing. */
function keep(value: unknown): Tree | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (value instanceof WrittenNumber) return { number: value.text };
  if (Array.isArray(value)) return value.map((item) => keep(item) ?? null);
  if (typeof value !== 'object') return undefined;
  return new Map(Object.entries(value).map(([name, member]) => [name, keep(member) ?? null]));
}

/** Counted before parsing, in one pass: a parser that recurses must never see it. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (isText && letter === '\\') at += 1;
    else if (letter === '"') isText = !isText;
    else if (!isText && (letter === '{' || letter === '[')) depth += 1;
    else if (!isText && (letter === '}' || letter === ']')) depth -= 1;
    if (depth > DEPTH_MAX) return true;
  }
  return false;
}

/** Names twice are refused: which of them the sender signed would be a guess. */
function parseForm(text: string): Fields | null {
  const fields = new Map<string, Tree>();
  const pairs = text.split('&');
  if (pairs.length > FIELDS_MAX) return null;
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = decodeField(at < 0 ? pair : pair.slice(0, at));
    const value = decodeField(at < 0 ? '' : pair.slice(at + 1));
    if (name === null || value === null || name === '' || fields.has(name)) return null;
    fields.set(name, value);
  }
  return fields;
}

function decodeField(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null; // a broken escape, or bytes that are not UTF-8
  }
}

/** What stands below the root element. Repeated names become a list. */
function parseXmlFields(text: string): Fields | null {
  const root = parseXml(text.trim());
  if (!root.ok) return null;
  const tree = treeOf(root.value);
  return isFields(tree) ? tree : null;
}

function treeOf({ text, children }: XmlElement): Tree {
  if (children.length === 0) return text;
  const groups = Map.groupBy(children, (child) => child.name);
  return new Map([...groups].map(([name, all]) => [name, all.length === 1 ? onlyOf(all) : all.map(treeOf)]));
}

const onlyOf = (elements: readonly XmlElement[]): Tree => (elements[0] === undefined ? null : treeOf(elements[0]));

/** The tree at a path of names, list positions included; undefined where there is none. */
export function find(root: Tree, path: readonly string[]): Tree | undefined {
  let tree: Tree | undefined = root;
  for (const name of path) {
    if (isFields(tree)) tree = tree.get(name);
    else if (isList(tree) && /^(?:0|[1-9]\d{0,3})$/.test(name)) tree = tree[Number(name)];
    else return undefined;
  }
  return tree;
}

/** A plain value as text; null for nothing, for an empty text, and for what holds further values. */
export function plainText(tree: Tree | undefined): string | null {
  if (tree === undefined || tree === null || tree === '') return null;
  if (typeof tree === 'string') return tree;
  if (typeof tree === 'boolean') return String(tree);
  return 'number' in tree ? tree.number : null;
}

/** Compact JSON: numbers as they were written, text beyond ASCII and slashes unescaped; names sorted when asked. */
export function printJson(tree: Tree, isSorted: boolean): string {
  if (tree === null || typeof tree === 'string' || typeof tree === 'boolean') return JSON.stringify(tree);
  if (isList(tree)) return `[${tree.map((item) => printJson(item, isSorted)).join(',')}]`;
  if (!isFields(tree)) return tree.number;
  const entries = isSorted ? [...tree].sort(byName) : [...tree];
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${printJson(value, isSorted)}`).join(',')}}`;
}

/** By UTF-16 code units: for ASCII names the order of their bytes. */
export const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;
