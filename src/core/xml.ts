// XML: a maintained parser behind a locked door, and a printer of flat documents. Pure. Never resolves, fetches or
// expands anything: what could make a parser do so is refused before the parser sees the text. Never throws.
import { XMLParser } from 'fast-xml-parser';
import { XML_CHARS_MAX, XML_DEPTH_MAX, XML_ELEMENTS_MAX } from './limits.ts';
import { err, ok, type Result } from './result.ts';

export type XmlElement = {
  readonly name: string;
  /** Character data exactly as written, references resolved; empty where there are children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
};

export type XmlLimits = { readonly depthMax: number; readonly elementsMax: number };

/** May open a document; a declaration is no processing instruction (XML 1.0, 2.8). Only UTF-8 is read. */
const DECLARATION =
  /^\uFEFF?(?:<\?xml version="1\.[01]"(?: encoding="[Uu][Tt][Ff]-8")?(?: standalone="(?:yes|no)")?\s*\?>)?/;
const [CDATA_START, CDATA_END] = ['<![CDATA[', ']]>'];
/** What XML 1.0 does not allow even in CDATA (2.2); a lone surrogate is no character either. */
const NO_CHARACTER = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
/** The five predefined entities and numbers. Any other name would have to be declared, and nothing is. */
const REFERENCE = /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));/g;
const PREDEFINED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const NAME = /^[\p{L}_][\p{L}\p{N}_.:-]{0,127}$/u;

const parser = new XMLParser({
  preserveOrder: true,
  // Text stays text, whole: signatures are made over it.
  parseTagValue: false,
  trimValues: false,
  // References are resolved here and only outside CDATA, which is therefore told apart.
  processEntities: false,
  cdataPropName: '#cdata',
  maxNestedTags: XML_DEPTH_MAX + 1,
  // Names become keys of one-key objects and nothing else.
  onDangerousProperty: (name) => name,
});

/**
 * One element with its descendants, or a sentence that says what is not taken: DTD, entity, processing instruction,
 * comment, attribute, mixed content, and everything past the limits.
 */
export function parseXml(text: string, limits: Partial<XmlLimits> = {}): Result<XmlElement, string> {
  const { depthMax = XML_DEPTH_MAX, elementsMax = XML_ELEMENTS_MAX } = limits;
  const body = text.replace(DECLARATION, '').trim();
  const problem = problemBefore(body, elementsMax);
  if (problem !== null) return err(problem);
  try {
    const nodes: unknown = parser.parse(body, true);
    const [root, ...rest]: unknown[] = Array.isArray(nodes) ? nodes : [];
    return rest.length === 0 ? elementOf(root, depthMax) : err('it has more than one root element');
  } catch {
    return err('it is not well-formed XML'); // an expected form of hostile input
  }
}

/** The children of a flat element by name: no nesting, no name twice. */
export function fieldsOf(root: XmlElement): Result<ReadonlyMap<string, string>, string> {
  const fields = new Map<string, string>();
  for (const { name, text, children } of root.children) {
    if (children.length > 0) return err(`<${name}> holds further elements`);
    if (fields.has(name)) return err(`<${name}> is there twice`);
    fields.set(name, text);
  }
  return ok(fields);
}

/** A flat document, each value in CDATA. Throws for what XML cannot carry: `xmlSafe` takes that out before. */
export function printXml(root: string, fields: Readonly<Record<string, string>>): string {
  const parts = Object.entries(fields).map(([name, value]) => `<${name}>${cdataOf(value)}</${name}>`);
  return `<${root}>${parts.join('')}</${root}>`;
}

function cdataOf(value: string): string {
  if (value !== xmlSafe(value)) throw new Error('a value holds characters that XML cannot carry; use xmlSafe');
  return `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
}

/** The text without what XML cannot carry, and with plain line feeds: parsers make them of any other (2.11). */
export const xmlSafe = (text: string): string =>
  text.replace(/\r\n?/g, '\n').replace(new RegExp(NO_CHARACTER, 'gu'), '');

/** What is refused unparsed. Null when the parser may see it. */
function problemBefore(text: string, elementsMax: number): string | null {
  if (text.length > XML_CHARS_MAX) return `it is longer than ${XML_CHARS_MAX} characters`;
  if (NO_CHARACTER.test(text)) return 'it holds characters that XML does not allow';
  if (!text.startsWith('<') || !text.endsWith('>')) return 'it does not begin and end with an element';
  const bare = withoutCdata(text);
  if (bare === null || bare.includes('<!')) return 'it holds a DTD, an entity, a comment or an open CDATA section';
  if (bare.includes('<?')) return 'it holds a processing instruction';
  if (bare.replace(REFERENCE, '').includes('&')) return 'it refers to an entity that is not predefined';
  if (/<[^<>]*=/.test(bare)) return 'an element has attributes';
  // Every element has a start, and most an end.
  return bare.split('<').length - 1 > 2 * elementsMax ? `it holds more than ${elementsMax} elements` : null;
}

/** A dot stands for each section; null when one has no end. Linear, which a lazy pattern over many starts is not. */
function withoutCdata(text: string): string | null {
  const parts: string[] = [];
  let from = 0;
  for (let at = text.indexOf(CDATA_START); at >= 0; at = text.indexOf(CDATA_START, from)) {
    const end = text.indexOf(CDATA_END, at + CDATA_START.length);
    if (end < 0) return null;
    parts.push(text.slice(from, at));
    from = end + CDATA_END.length;
  }
  return [...parts, text.slice(from)].join('.');
}

/** The parser's ordered nodes: one key, the name, over an array of nodes. */
function elementOf(node: unknown, depthLeft: number): Result<XmlElement, string> {
  if (typeof node !== 'object' || node === null) return err('it is not well-formed XML');
  const [entry] = Object.entries(node);
  if (entry === undefined || !Array.isArray(entry[1]) || !NAME.test(entry[0])) return err('an element has an odd name');
  if (depthLeft === 0) return err('it is nested too deeply');
  const [name, content] = entry;
  const children: XmlElement[] = [];
  let text = '';
  for (const part of content) {
    const written = textOf(part);
    if (written !== null) text += written;
    if (written !== null) continue;
    const child = elementOf(part, depthLeft - 1);
    if (!child.ok) return child;
    children.push(child.value);
  }
  if (children.length === 0) return text.includes('\0') ? err(NO_NUMBER) : ok({ name, text, children });
  return text.trim() === '' ? ok({ name, text: '', children }) : err(`<${name}> mixes text and elements`);
}

const NO_NUMBER = 'a numeric reference names no character';

/** Character data with its references resolved; null for an element. A reference to no character becomes NUL. */
function textOf(node: unknown): string | null {
  if (typeof node !== 'object' || node === null) return null;
  if ('#text' in node && typeof node['#text'] === 'string') return resolved(node['#text']);
  if (!('#cdata' in node) || !Array.isArray(node['#cdata'])) return null;
  const [inner]: unknown[] = node['#cdata'];
  const isText = typeof inner === 'object' && inner !== null && '#text' in inner && typeof inner['#text'] === 'string';
  return isText ? String(inner['#text']) : '';
}

const resolved = (text: string): string =>
  text.replace(REFERENCE, (_, name?: string, decimal?: string, hex?: string) => {
    if (name !== undefined) return PREDEFINED[name] ?? '\0';
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    const character = code <= 0x10ffff ? String.fromCodePoint(code) : '\0';
    return NO_CHARACTER.test(character) ? '\0' : character;
  });
