// BillReader: the text of one bill file to rows in our words, its header found by name, its own sums checked against
// what was read. Pure, and never holds more than one row. What it cannot read it refuses: a guessed row is a wrong one.
import { FEE_SCALE, ROW_CHARS_MAX } from './bill.ts';
import type { BillLayout, BillProblem, Total } from './bill-layout.ts';
import { headerName } from './bill-layout.ts';
import { LineSplitter, QuotedSplitter } from './bill-lines.ts';
import { type Decimal, printDecimal, unitsOf } from './decimal.ts';
import { err, ok, type Result } from './result.ts';

/** A sum as the file states it, and as its rows add up. */
export type TotalCheck = { readonly name: string; readonly said: Decimal | null; readonly counted: Decimal };

/** Lines before the header at most: a title, an account, a period. */
const PREAMBLE_LINES_MAX = 60;

export class BillReader<Row> {
  readonly #layout: BillLayout<Row>;
  readonly #lines: LineSplitter | null;
  readonly #quoted: QuotedSplitter | null;
  /** Where our columns are in this file; null until its header was read. */
  #index: Readonly<Record<string, number>> | null = null;
  #width = 0;
  #freeTextAt = -1;
  #preamble = 0;
  #isGarbled = false;
  #lacking: readonly string[] = [];
  #cells: readonly string[] = [];
  /** A row whose line ended too soon: its text may hold a line end. */
  #unfinished = '';
  #summaryHeader: readonly string[] | null = null;
  #summary: readonly string[] | null = null;
  readonly #remarked = new Map<string, string>();
  #isEnded = false;
  readonly #sums: number[];
  #rows: Row[] = [];
  #count: number;

  /** `before`: rows that came before this file, for their numbers. */
  constructor(layout: BillLayout<Row>, before = 0) {
    const { grammar } = layout;
    this.#layout = layout;
    this.#lines = grammar.kind === 'quoted' ? null : new LineSplitter();
    this.#quoted = grammar.kind === 'quoted' ? new QuotedSplitter(grammar.separator, grammar.comment) : null;
    this.#sums = layout.totals.map(() => 0);
    this.#count = before;
  }

  /** The rows that ended in this piece of text. */
  push(text: string): Result<readonly Row[], BillProblem> {
    return this.#read(this.#lines?.push(text), this.#quoted?.push(text));
  }

  /** The last rows, once the text is over; then `totals` tell what the file says of itself. */
  end(): Result<readonly Row[], BillProblem> {
    const rows = this.#read(this.#lines?.end(), this.#quoted?.end());
    if (!rows.ok) return rows;
    if (this.#index === null) return err(this.#headerProblem());
    if (this.#unfinished !== '') return err(this.#cut('its last row ends in the middle'));
    const { ending } = this.#layout;
    if (ending === 'summary' && this.#summary === null) return err(this.#cut('its summary is missing'));
    if (ending !== null && ending !== 'summary' && !this.#isEnded) return err(this.#cut('its last line is missing'));
    return rows;
  }

  totals(): TotalCheck[] {
    return this.#layout.totals.map((total, at) => {
      const said = unitsOf(this.#saidOf(total), FEE_SCALE);
      return {
        name: total.name,
        said: said === null ? null : { units: said, scale: FEE_SCALE },
        counted: { units: this.#sums[at] ?? 0, scale: FEE_SCALE },
      };
    });
  }

  #read(
    lines: readonly string[] | null | undefined,
    records: ReturnType<QuotedSplitter['push']> | undefined,
  ): Result<readonly Row[], BillProblem> {
    if (lines === null || records === null) return err(this.#tooLong());
    this.#rows = [];
    for (const line of lines ?? []) {
      const problem = this.#line(line);
      if (problem !== null) return err(problem);
    }
    for (const record of records ?? []) {
      const problem = 'remark' in record ? this.#remark(record.remark) : this.#record(record.cells.map(trimmed));
      if (problem !== null) return err(problem);
    }
    return ok(this.#rows);
  }

  #line(line: string): BillProblem | null {
    const isTicked = this.#layout.grammar.kind === 'backtick';
    if (line === '' || /^\s*$/.test(line)) return null;
    if (!isTicked) return line.startsWith('#') ? this.#remark(line) : this.#row(line, plainCells);
    if (line.startsWith('`')) {
      return this.#summaryHeader === null ? this.#row(line, tickedCells) : this.#summaryRow(tickedCells(line));
    }
    if (this.#unfinished !== '') return this.#row(line, tickedCells);
    return this.#index === null ? this.#header(plainCells(line)) : this.#headSummary(plainCells(line));
  }

  #remark(text: string): BillProblem | null {
    if (this.#unfinished !== '') return this.#shortRow();
    const { totals, ending } = this.#layout;
    for (const { name, said } of totals) {
      const found = 'remark' in said ? said.remark.exec(text)?.[1] : undefined;
      if (found !== undefined && !this.#remarked.has(name)) this.#remarked.set(name, found);
    }
    if (ending instanceof RegExp && ending.test(text)) this.#isEnded = true;
    return null;
  }

  /** A line that is a row, or a part of one. */
  #row(line: string, split: (line: string) => readonly string[]): BillProblem | null {
    if (this.#index === null) return this.#header(split(line));
    if (this.#unfinished !== '' && line.startsWith('`')) return this.#shortRow();
    const whole = this.#unfinished === '' ? line : `${this.#unfinished}\n${line}`;
    if (whole.length > ROW_CHARS_MAX) return this.#tooLong();
    const cells = split(whole);
    if (cells.length < this.#width) {
      this.#unfinished = whole;
      return null;
    }
    this.#unfinished = '';
    return this.#record(cells);
  }

  #record(cells: readonly string[]): BillProblem | null {
    if (this.#index === null) return this.#header(cells);
    if (cells.length === 1 && cells[0] === '') return null;
    this.#count += 1;
    const fitted = this.#fitted(cells);
    if (fitted === null) {
      const found = `it has ${cells.length} cells where the header names ${this.#width}`;
      return this.#rowProblem(found);
    }
    this.#cells = fitted;
    const row = this.#layout.read(this.#cell);
    if (!row.ok) return this.#rowProblem(row.error);
    this.#rows.push(row.value);
    return this.#add();
  }

  readonly #cell = (column: string): string => this.#cells[this.#index?.[column] ?? -1] ?? '';

  /** As many cells as the header has; what a free text was cut into is put together again. Null: it cannot be. */
  #fitted(cells: readonly string[]): readonly string[] | null {
    const surplus = cells.length - this.#width;
    if (surplus === 0) return cells;
    const at = this.#freeTextAt;
    if (surplus < 0 || at < 0) return null;
    return [...cells.slice(0, at), cells.slice(at, at + surplus + 1).join(','), ...cells.slice(at + surplus + 1)];
  }

  #add(): BillProblem | null {
    const { totals } = this.#layout;
    for (let at = 0; at < totals.length; at++) {
      const text = totals[at]?.adds(this.#cell) ?? '';
      if (text === '') continue;
      const units = unitsOf(text, FEE_SCALE);
      const sum = units === null ? null : (this.#sums[at] ?? 0) + units;
      if (sum === null || !Number.isSafeInteger(sum)) {
        return this.#rowProblem(
          `${JSON.stringify(text.slice(0, 40))} is no amount that ${totals[at]?.name} could hold`,
        );
      }
      this.#sums[at] = sum;
    }
    return null;
  }

  #header(cells: readonly string[]): BillProblem | null {
    const names = cells.map(headerName);
    const wanted = Object.entries(this.#layout.columns);
    const index: Record<string, number> = {};
    const lacking: string[] = [];
    for (const [column, { names: known, optional }] of wanted) {
      const at = known.map((name) => names.indexOf(headerName(name))).find((found) => found >= 0);
      if (at !== undefined) index[column] = at;
      else if (!optional) lacking.push(known[0] ?? column);
    }
    if (lacking.length > 0) {
      this.#preamble += 1;
      this.#isGarbled ||= names.some((name) => name.includes('\uFFFD'));
      const isNearest = this.#lacking.length === 0 || lacking.length < this.#lacking.length;
      if (isNearest) this.#lacking = lacking;
      return this.#preamble > PREAMBLE_LINES_MAX ? this.#headerProblem() : null;
    }
    const twice = Object.values(index)
      .map((at) => names[at])
      .find((name) => names.indexOf(name ?? '') !== names.lastIndexOf(name ?? ''));
    if (twice !== undefined) {
      return { code: 'header', row: null, detail: `The header names the column ${twice} twice: remove one of them.` };
    }
    this.#index = index;
    this.#width = names.length;
    this.#freeTextAt = this.#layout.freeText === null ? -1 : names.indexOf(headerName(this.#layout.freeText));
    return null;
  }

  #headSummary(cells: readonly string[]): BillProblem | null {
    if (this.#summaryHeader !== null) return { ...this.#cut('more follows its summary'), code: 'damaged' };
    this.#summaryHeader = cells.map(headerName);
    return null;
  }

  #summaryRow(cells: readonly string[]): BillProblem | null {
    if (this.#summary !== null) return { ...this.#cut('it has two summaries'), code: 'damaged' };
    this.#summary = cells;
    return null;
  }

  #saidOf({ name, said }: Total<string>): string {
    if ('remark' in said) return (this.#remarked.get(name) ?? '').replaceAll(',', '');
    const at = said.headers.map((header) => this.#summaryHeader?.indexOf(headerName(header)) ?? -1).find((i) => i >= 0);
    return at === undefined ? '' : (this.#summary?.[at] ?? '').trim();
  }

  #headerProblem(): BillProblem {
    const named = this.#lacking.slice(0, 8).join(', ');
    const charset = this.#layout.charset === 'utf-8' ? 'UTF-8' : 'GBK';
    const doubt = this.#isGarbled
      ? `Some of its letters are none of ${charset}: is its charset another one?`
      : 'Is it the right bill?';
    const detail =
      named === ''
        ? 'The file is empty: not even a header is in it. Fetch it again.'
        : `No line names all the columns that are needed; the nearest one lacks ${named}. ${doubt}`;
    return { code: 'header', row: null, detail };
  }

  #cut(what: string): BillProblem {
    return { code: 'truncated', row: null, detail: `The file was cut off: ${what}. Fetch it again.` };
  }

  #shortRow(): BillProblem {
    this.#count += 1;
    return this.#rowProblem(`it ends before the ${this.#width} cells that the header names`);
  }

  #rowProblem(what: string): BillProblem {
    return { code: 'row', row: this.#count, detail: `Row ${this.#count} cannot be read: ${what}.` };
  }

  #tooLong(): BillProblem {
    const row = this.#count + 1;
    const detail = `Row ${row} is longer than ${ROW_CHARS_MAX} characters: a quote is not closed, or it is no bill.`;
    return { code: 'too_long', row, detail };
  }
}

const trimmed = (cell: string): string => cell.trim();

/** Only the first backtick of a cell is its mark; a comma in a name has none behind it. */
const tickedCells = (line: string): readonly string[] => (line.startsWith('`') ? line.slice(1) : line).split(',`');

const plainCells = (line: string): readonly string[] => line.split(',').map(trimmed);

/** What a file says of itself and its rows do not bear out; null when all is well. */
export function totalsProblem(checks: readonly TotalCheck[]): BillProblem | null {
  const wrong = checks.find(({ said, counted }) => said !== null && said.units !== counted.units);
  if (!wrong?.said) return null;
  const [said, counted] = [printDecimal(wrong.said), printDecimal(wrong.counted)];
  const detail = `The file says ${wrong.name} is ${said}, its rows add up to ${counted}: fetch it again.`;
  return { code: 'totals', row: null, detail };
}
