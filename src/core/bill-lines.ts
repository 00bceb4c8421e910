// Text of a bill, in pieces of any size, to lines or to cells. Pure. Holds the unfinished line and nothing more, and
// refuses a line that is longer than any row.
import { ROW_CHARS_MAX } from './bill.ts';

/** Lines ended by LF or CR LF; the last one may lack its end. */
export class LineSplitter {
  #rest = '';

  /** Null: a line is too long. */
  push(text: string): string[] | null {
    const all = this.#rest + text;
    const lines: string[] = [];
    let from = 0;
    for (let end = all.indexOf('\n'); end >= 0; end = all.indexOf('\n', from)) {
      if (end - from > ROW_CHARS_MAX) return null;
      lines.push(all.slice(from, all.charCodeAt(end - 1) === CR && end > from ? end - 1 : end));
      from = end + 1;
    }
    this.#rest = all.slice(from);
    return this.#rest.length > ROW_CHARS_MAX ? null : lines;
  }

  end(): string[] {
    const rest = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest;
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}

const CR = 13;
const LF = 10;
const QUOTE = '"';

/** One line of RFC 4180, or a remark. */
export type QuotedRecord = { readonly cells: readonly string[] } | { readonly remark: string };

export class QuotedSplitter {
  readonly #separator: string;
  readonly #comment: string | null;
  #rest = '';

  constructor(separator: string, comment: string | null) {
    this.#separator = separator;
    this.#comment = comment;
  }

  /** Null: a row is too long, as when a quote is never closed. */
  push(text: string): QuotedRecord[] | null {
    return this.#records(this.#rest + text, false);
  }

  /** Null: the last row ends inside a quote. */
  end(): QuotedRecord[] | null {
    const records = this.#records(this.#rest, true);
    return this.#rest === '' ? records : null;
  }

  #records(text: string, isLast: boolean): QuotedRecord[] | null {
    const records: QuotedRecord[] = [];
    let from = 0;
    while (from < text.length) {
      const record = this.#recordAt(text, from, isLast);
      if (record === null) break;
      if (record.next - from > ROW_CHARS_MAX) return null;
      records.push(record.record);
      from = record.next;
    }
    this.#rest = text.slice(from);
    return this.#rest.length > ROW_CHARS_MAX ? null : records;
  }

  /** Null: its end has not come yet. */
  #recordAt(text: string, from: number, isLast: boolean): { record: QuotedRecord; next: number } | null {
    if (this.#comment !== null && text.startsWith(this.#comment, from)) {
      const end = lineEnd(text, from, isLast);
      return end === null ? null : { record: { remark: withoutCr(text.slice(from, end)) }, next: end + 1 };
    }
    const cells: string[] = [];
    for (let at = from; ; ) {
      const cell = text.startsWith(QUOTE, at) ? this.#quotedAt(text, at, isLast) : this.#bareAt(text, at, isLast);
      if (cell === null) return null;
      cells.push(cell.value);
      if (cell.isLineEnd) return { record: { cells }, next: cell.next };
      at = cell.next;
    }
  }

  #bareAt(text: string, from: number, isLast: boolean): CellAt | null {
    const separator = this.#separator.charCodeAt(0);
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === separator) return { value: text.slice(from, at), next: at + 1, isLineEnd: false };
      if (code === LF) return { value: withoutCr(text.slice(from, at)), next: at + 1, isLineEnd: true };
    }
    return isLast ? { value: withoutCr(text.slice(from)), next: text.length + 1, isLineEnd: true } : null;
  }

  #quotedAt(text: string, from: number, isLast: boolean): CellAt | null {
    let value = '';
    for (let start = from + 1; ; ) {
      const close = text.indexOf(QUOTE, start);
      if (close < 0) return null;
      value += text.slice(start, close);
      // Whether a second quote follows is not known yet.
      if (close + 1 === text.length && !isLast) return null;
      if (!text.startsWith(QUOTE, close + 1)) {
        const rest = this.#bareAt(text, close + 1, isLast);
        return rest === null ? null : { ...rest, value: value + rest.value.trim() };
      }
      value += QUOTE;
      start = close + 2;
    }
  }
}

type CellAt = { readonly value: string; readonly next: number; readonly isLineEnd: boolean };

const withoutCr = (text: string): string => (text.endsWith('\r') ? text.slice(0, -1) : text);

function lineEnd(text: string, from: number, isLast: boolean): number | null {
  const end = text.indexOf('\n', from);
  return end >= 0 ? end : isLast ? text.length : null;
}
