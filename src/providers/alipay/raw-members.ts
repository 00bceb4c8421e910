// The members of a JSON object as they were written: signatures cover the text, which no parser gives back. Never
// judges the values, beyond where they end.

/** Text of each member's value by name; null when the text is no object of distinct members. */
export function rawMembers(text: string): ReadonlyMap<string, string> | null {
  if (!isObject(text)) return null;
  const members = new Map<string, string>();
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[at] !== '}') {
    const nameEnd = stringEnd(text, at);
    const name: unknown = JSON.parse(text.slice(at, nameEnd));
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1); // past the colon
    const end = valueEnd(text, start);
    if (typeof name !== 'string' || members.has(name)) return null;
    members.set(name, text.slice(start, end));
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

/** The platform's parser vouches for the syntax, so that the walk above may rely on it. */
function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (/[ \t\r\n]/.test(text[at] ?? '')) at += 1;
  return at;
}

/** Just behind the closing quote of the string that starts here. */
function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Just behind the value that starts here. */
function valueEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; ) {
    const letter = text[at] ?? '';
    if (letter === '"') at = stringEnd(text, at);
    else if (depth === 0 && /[,} \t\r\n]/.test(letter)) return at;
    else {
      if (letter === '{' || letter === '[') depth += 1;
      if (letter === '}' || letter === ']') depth -= 1;
      at += 1;
      if (depth === 0 && (letter === '}' || letter === ']')) return at;
    }
    if (depth === 0 && letter === '"') return at;
  }
  return text.length;
}
