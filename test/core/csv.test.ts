// Cells for spreadsheets: what was written is there, and nothing of it is run.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvCell, csvLine } from '../../src/core/csv.ts';

/** What a spreadsheet reads out of a cell. */
const read = (cell: string): string => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);

describe('a cell', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+8613800000000', "'+8613800000000"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['-1+1', "'-1+1"],
    ['＝1', "'＝1"],
    ['  =1', "'  =1"],
    ['\u00a0=1', "'\u00a0=1"],
    ['\t=1', "'\t'=1"],
    ['\r=1', "'\r'=1"],
    ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
    ['=HYPERLINK("//evil.example")', '\'=HYPERLINK("//evil.example")'],
    ['a;=1+1', "a;'=1+1"],
    ['a\n- b', "a\n'- b"],
    ['a\tb;@c', "a\tb;'@c"],
    ['a;-1', "a;'-1"],
    ['a\r\n\r\nb', 'a\r\n\r\nb'],
  ])('shows %j as text', (given, shown) => {
    expect(read(csvCell(given))).toBe(shown);
  });

  it.each([-12, '-12.50', '12', 'a=b', 'a-b', 'mail@shop.example', '龙井茶', '2026-01-01T00:00:00Z', '<b>'])(
    'leaves %j alone',
    (given) => {
      expect(csvCell(given)).toBe(String(given));
    },
  );

  it('begins no formula in any part that a spreadsheet may cut it into', () => {
    const sign = fc.constantFrom('=', '+', '-', '@', ';', '\t', '\r', '\n', ' ', '"', ',', 'a', '1', '＝');
    fc.assert(
      fc.property(fc.array(sign), (signs) => {
        const text = signs.join('');
        const parts = read(csvCell(text)).split(/[;\t\r\n]/);
        return /^-\d+$/.test(text) || !parts.some((part) => /^\s*[=+@＝＋－＠-]/.test(part));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is nothing for nothing, and keeps its quotes', () => {
    expect(csvLine([null, undefined, 'a "b", c', 0])).toBe(',,"a ""b"", c",0\r\n');
  });
});
