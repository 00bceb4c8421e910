// Tables for spreadsheets: cells and lines of CSV. Pure. What a spreadsheet would run as a formula is text, because
// order numbers and names come from outside.

/**
 * Before what begins a formula, in full width too, which Chinese and Japanese spreadsheets read the same, whatever
 * blanks come first; also after what parts cells or lines where a semicolon or a tab does, whose spreadsheets do not
 * heed a quote in the middle. And before what hides one.
 */
const FORMULA = /^(?=[\t\r\n])|(?<=^|[;\t\r\n])(?=[^\S\t\r\n]*[=+@＝＋－＠-])/g;
const BELOW_ZERO = /^-\d+(?:\.\d+)?$/;

/** Quoted where it has to be; nothing for null. */
export function csvCell(value: unknown): string {
  const text = value == null ? '' : String(value);
  const safe = BELOW_ZERO.test(text) ? text : text.replaceAll(FORMULA, "'");
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csvLine = (cells: readonly unknown[]): string => `${cells.map(csvCell).join(',')}\r\n`;
