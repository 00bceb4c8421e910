// What becomes of a difference: a person explains it, a repair or a later bill mends it, another run finds it again.
import { describe, expect, it } from 'vitest';
import { csvLine } from '../../src/core/csv.ts';
import {
  changeDiscrepancy,
  DISCREPANCY_COLUMNS,
  type Discrepancy,
  differenceId,
  discrepancyCells,
  foundAgain,
} from '../../src/core/discrepancy.ts';

const known: Discrepancy = {
  id: differenceId('shop', '2026-03-01', 'amount', 'payment T1'),
  kind: 'amount',
  channel: 'shop',
  day: '2026-03-01',
  about: 'payment',
  orderNo: 'A1',
  transactionId: 'T1',
  refundNo: null,
  row: 1,
  there: null,
  here: null,
  repair: null,
  detail: 'The bill says 1.00 CNY.',
  status: 'open',
  note: null,
  owner: null,
  foundAt: 1,
  updatedAt: 1,
  eventId: null,
};

describe('a discrepancy', () => {
  it.each(['explained', 'fixed'] as const)('is called %s only with a note', (status) => {
    expect(changeDiscrepancy(known, { status }, 2)).toMatchObject({ ok: false, error: { field: 'note' } });
    expect(changeDiscrepancy(known, { status, note: '  ' }, 2).ok).toBe(false);
    expect(changeDiscrepancy(known, { status, note: 'Two shops share the account.' }, 2)).toMatchObject({
      ok: true,
      value: { status, updatedAt: 2 },
    });
  });

  it('is opened again, and given to somebody, without one', () => {
    const explained = { ...known, status: 'explained', note: 'why' } as const;
    expect(changeDiscrepancy(explained, { status: 'open' }, 2)).toMatchObject({ ok: true, value: { status: 'open' } });
    expect(changeDiscrepancy(known, { owner: 'finance' }, 2)).toMatchObject({ ok: true, value: { owner: 'finance' } });
    expect(changeDiscrepancy({ ...known, owner: 'x' }, { owner: null }, 2)).toMatchObject({ value: { owner: null } });
  });

  it('found once more keeps what a person said of it, and opens where it was called fixed', () => {
    const again = { ...known, detail: 'The bill says 2.00 CNY.' };
    const explained = { ...known, status: 'explained', note: 'why', owner: 'finance' } as const;
    expect(foundAgain(explained, again, 9)).toMatchObject({
      status: 'explained',
      note: 'why',
      owner: 'finance',
      foundAt: 1,
    });
    expect(foundAgain({ ...known, status: 'fixed', note: 'paid back' }, again, 9)).toMatchObject({ status: 'open' });
    expect(foundAgain(known, again, 9)).toMatchObject({ detail: again.detail, updatedAt: 9 });
  });
});

describe('its id', () => {
  it('is one for each channel, day, kind and thing, whatever letters they hold', () => {
    const ids = [
      differenceId('a', '2026-03-01', 'fee', 'b~c'),
      differenceId('a~2026-03-01', '2026-03-01', 'fee', 'c'),
      differenceId('a', '2026-03-01', 'fee', 'b%7Ec'),
      differenceId('a', '2026-03-01', 'fee', 'b/c'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(encodeURI(id).replaceAll('%25', '%')).toBe(id);
    for (const id of ids) expect(id.split('~')).toHaveLength(4);
  });
});

describe('as a line of a table', () => {
  const cellsOf = (changes: Partial<Discrepancy>) => {
    const line = csvLine(discrepancyCells({ ...known, ...changes }));
    expect(line.endsWith('\r\n')).toBe(true);
    return line.trimEnd();
  };

  it('has a cell for each column, amounts as decimals', () => {
    const side = { amount: { minor: 1_230, currency: 'CNY' }, state: 'SUCCESS', fee: '0.07000', at: 0 };
    const line = cellsOf({ there: side, here: { ...side, amount: { minor: 500, currency: 'JPY' }, fee: null } });
    expect(line.split(',')).toHaveLength(DISCREPANCY_COLUMNS.length);
    expect(line).toContain(',12.30,CNY,SUCCESS,0.07000,500,JPY,SUCCESS,,');
  });

  it.each([
    ['=cmd()', "'=cmd()"],
    ['-1+2', "'-1+2"],
    ['-1.5', '-1.5'],
    ['@x', "'@x"],
    ['＝cmd()', "'＝cmd()"],
    ['\n=cmd()', '"\'\n\'=cmd()"'],
    ['a "b", c', '"a ""b"", c"'],
    ['two\nlines', '"two\nlines"'],
    ['plain', 'plain'],
  ])('is safe to open in a spreadsheet: %j', (note, cell) => {
    expect(cellsOf({ note, detail: 'end' }).endsWith(`,${cell},end`)).toBe(true);
  });
});
