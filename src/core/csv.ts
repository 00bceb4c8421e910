// Tables for spreadsheets: cells and lines of CSV. Pure. What a spreadsheet would run as a formula is text, because
// order numbers and names come from outside.

/** What begins a formula, in full width too, which Chinese and Japanese spreadsheets read the same; or hides it. */
const FORMULA = /^[=+@＝＋－＠\t\r\n]|^-(?!\d+(?:\.\d+)?$)/;

/** Quoted where it has to be; nothing for null. */
export function csvCell(value: unknown): string {
  const text = value == null ? '' : String(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csvLine = (cells: readonly unknown[]): string => `${cells.map(csvCell).join(',')}\r\n`;
