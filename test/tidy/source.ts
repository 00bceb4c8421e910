// Reads TypeScript sources as text: files, imports, code without comments and strings, function lengths. An
// approximation good enough for house rules; knows no types and never runs what it reads.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export type Import = { readonly from: string; readonly typeOnly: boolean };
export type Source = {
  readonly path: string;
  readonly text: string;
  /** The text with comments and the insides of strings blanked; every character keeps its place. */
  readonly code: string;
  readonly imports: readonly Import[];
};

/** Every file under a folder, in a stable order; none when the folder is not there. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

export const sourcesUnder = (folder: string): Source[] =>
  filesUnder(folder)
    .filter((path) => /\.(ts|tsx|mjs)$/.test(path))
    .map(readSource);

export function readSource(path: string): Source {
  const text = readFileSync(path, 'utf8');
  return { path, text, code: blank(text), imports: importsOf(text) };
}

export const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** The path an import means, relative to the repository; null for packages. */
export const resolved = (source: Source, from: string): string | null =>
  from.startsWith('.') ? normalize(join(dirname(source.path), from)) : null;

const IMPORT = /^[ \t]*(?:import|export)\b([^'"`;]*?)\bfrom\s*['"]([^'"]+)['"]|^[ \t]*import\s*['"]([^'"]+)['"]/gm;

/** Static imports and re-exports. Dynamic import() is not used in src; inline `import('…')` types count as types. */
function importsOf(text: string): Import[] {
  const found: Import[] = [];
  for (const [, clause = '', from, bare] of text.matchAll(IMPORT)) {
    const names =
      /\{([^}]*)\}/
        .exec(clause)?.[1]
        ?.split(',')
        .map((name) => name.trim())
        .filter(Boolean) ?? [];
    const outside = clause.replace(/\{[^}]*\}/, '').replace(/[\s,]/g, '');
    const allTypes = names.length > 0 && outside === '' && names.every((name) => name.startsWith('type '));
    found.push({ from: from ?? bare ?? '', typeOnly: /^\s*type\b/.test(clause) || allTypes });
  }
  for (const [, from = ''] of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g))
    found.push({ from, typeOnly: true });
  return found;
}

const QUOTES = new Set(["'", '"', '`']);

/** Blanks comments and the insides of strings and regular expressions; keeps `${…}` of templates as code. */
export function blank(text: string): string {
  const out = text.split('');
  const hide = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  const templates: number[] = []; // depth of braces at which each open `${` ends
  let braces = 0;
  let i = 0;
  while (i < text.length) {
    const [c, next] = [text[i] ?? '', text[i + 1]];
    if (c === '/' && (next === '/' || next === '*')) {
      const end = next === '/' ? text.indexOf('\n', i) : text.indexOf('*/', i) + 2;
      const to = end < i ? text.length : end;
      hide(i, to);
      i = to;
    } else if (c === '/' && startsRegex(out, i)) {
      const to = endOfRegex(text, i);
      hide(i + 1, to - 1);
      i = to;
    } else if (QUOTES.has(c) || (c === '}' && templates.at(-1) === braces)) {
      if (c === '}') templates.pop();
      const { end, opens } = endOfString(text, i + 1, c === '}' ? '`' : c);
      hide(i + 1, end - (opens ? 2 : 1));
      if (opens) templates.push(braces);
      i = end;
    } else {
      if (c === '{') braces += 1;
      if (c === '}') braces -= 1;
      i += 1;
    }
  }
  return out.join('');
}

/** Just behind the closing quote, or behind the `${` that interrupts a template. */
function endOfString(text: string, from: number, quote: string): { end: number; opens: boolean } {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === quote) return { end: i + 1, opens: false };
    else if (quote === '`' && text[i] === '$' && text[i + 1] === '{') return { end: i + 2, opens: true };
    else if (quote !== '`' && text[i] === '\n') return { end: i, opens: false }; // an apostrophe in plain text
  }
  return { end: text.length, opens: false };
}

function startsRegex(out: readonly string[], index: number): boolean {
  const before = out
    .slice(Math.max(0, index - 40), index)
    .join('')
    .trimEnd();
  return before === '' || /[=(,:;!&|?{}[\n+<>]$|\breturn$|=>$/.test(before);
}

function endOfRegex(text: string, from: number): number {
  let inClass = false;
  for (let i = from + 1; i < text.length; i++) {
    const c = text[i];
    if (c === '\\') i += 1;
    else if (c === '[') inClass = true;
    else if (c === ']') inClass = false;
    else if ((c === '/' && !inClass) || c === '\n') return i + 1;
  }
  return text.length;
}

export type FunctionSpan = { readonly name: string; readonly line: number; readonly lines: number };

/** Functions by their braces: whatever follows `)` with or without a return type, or `=>`, and is no control block. */
export function functionsOf({ code }: Source): FunctionSpan[] {
  const found: FunctionSpan[] = [];
  const open: { index: number; name: string | null }[] = [];
  for (let i = 0; i < code.length; i++) {
    if (code[i] === '{') open.push({ index: i, name: functionNameAt(code, i) });
    if (code[i] !== '}') continue;
    const start = open.pop();
    if (!start || start.name === null) continue;
    const line = lineOf(code, start.index);
    found.push({ name: start.name, line, lines: lineOf(code, i) - line + 1 });
  }
  return found;
}

function functionNameAt(code: string, brace: number): string | null {
  const before = code.slice(Math.max(0, brace - 2_000), brace).trimEnd();
  if (/\bclass\s+[\w$]+[^(){};]*$/.test(before)) return null;
  if (before.endsWith('=>')) return /(?:const|let)\s+(\w+)[^;]*$/.exec(before)?.[1] ?? 'an arrow function';
  const closing = /\)\s*(?::[^(){};=]+(?:\{[^{}]*\}[^(){};=]*)*)?$/.exec(before);
  if (!closing) return null;
  let depth = 0;
  let i = closing.index;
  for (; i >= 0; i--) {
    if (before[i] === ')') depth += 1;
    if (before[i] === '(' && --depth === 0) break;
  }
  const word = /([#\w$]+)\s*(?:<[^()]*>)?\s*$/.exec(before.slice(0, i))?.[1] ?? 'a function';
  return /^(if|for|while|switch|catch|with)$/.test(word) ? null : word;
}
