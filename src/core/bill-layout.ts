// BillLayout: how one provider writes one kind of bill. Pure data and small functions, given by the provider's file or
// made from an operator's column mapping; bill-reader.ts does the reading.
import type { Result } from './result.ts';

/**
 * `backtick`: a cell begins with a backtick, cells are joined by a comma and a backtick; lines without one are headers.
 * `plain`: cells joined by the separator, padded with tabs, never quoted; lines that begin with `#` are remarks.
 * `quoted`: RFC 4180, cells may be quoted and hold line ends.
 */
export type BillGrammar =
  | { readonly kind: 'backtick' }
  | { readonly kind: 'plain'; readonly separator: ',' }
  | { readonly kind: 'quoted'; readonly separator: string; readonly comment: string | null };

/** GBK is read as GB 18030, which holds it (WHATWG Encoding). */
export type BillCharset = 'utf-8' | 'gb18030';

/** A cell by our own word for its column; empty where the file has no such column. */
export type Cell<Column extends string> = (column: Column) => string;

export type LayoutColumn = {
  /** The header names it may have, the present one first. Full-width forms and blanks make no difference. */
  readonly names: readonly string[];
  readonly optional?: true;
};

/** A sum that the file itself states, and what each row adds to it. */
export type Total<Column extends string> = {
  readonly name: string;
  /** The cell of the summary row with one of these headers, or the first group in a remark. */
  readonly said: { readonly headers: readonly string[] } | { readonly remark: RegExp };
  /** A decimal; empty for nothing. */
  readonly adds: (cell: Cell<Column>) => string;
};

export type BillLayout<Row, Column extends string = string> = {
  readonly grammar: BillGrammar;
  readonly charset: BillCharset;
  readonly columns: Readonly<Record<Column, LayoutColumn>>;
  /** The header of a column of free text that may hold the separator: it takes the cells a row has too many. */
  readonly freeText: string | null;
  /** A sentence says what cannot be read. */
  readonly read: (cell: Cell<Column>) => Result<Row, string>;
  readonly totals: readonly Total<Column>[];
  /** What a whole file ends with: its summary row, or a remark. Null: nothing tells a whole file from a cut one. */
  readonly ending: 'summary' | RegExp | null;
};

/** Why a bill cannot be read. Nothing of it may be judged then: what is missing from it may be missing by accident. */
export type BillProblem = {
  readonly code: 'damaged' | 'checksum' | 'header' | 'row' | 'too_long' | 'truncated' | 'totals' | 'day';
  /** Counted from 1, headers and remarks aside; null where it is not one row's. */
  readonly row: number | null;
  /** For people: what is wrong and what to do. */
  readonly detail: string;
};

/** Header names as they are compared: full-width letters folded, no blanks, no byte order mark. */
export const headerName = (text: string): string => text.normalize('NFKC').replace(/[\s\uFEFF"`]+/g, '');
