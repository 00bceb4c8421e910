// Codes to scan: what is drawn is read again by a decoder that shares nothing with what drew it.
import { describe, expect, it } from 'vitest';
import { qrPng, qrSvg } from '../../src/core/qr.ts';
import { type Picture, pictureOfPng, pictureOfSvg, scan } from '../pictures.ts';

const TEXTS = [
  'weixin://wxpay/bizpayurl?pr=jvUKHoQ00',
  'https://qr.alipay.com/bax03206ug0kulveltqc80a8',
  `ethereum:0x${'ab'.repeat(20)}?value=1e18`,
  '订单',
  'x'.repeat(500),
];

const MODULE = 10;
const isDark = ({ width, data }: Picture, column: number, row: number) =>
  data[(row * MODULE * width + column * MODULE) * 4] === 0;

describe.each([
  ['PNG', (text: string) => pictureOfPng(qrPng(text))],
  ['SVG', (text: string) => pictureOfSvg(qrSvg(text))],
])('a code as %s', (_, pictured) => {
  it('says what it was made of', () => {
    expect(TEXTS.map((text) => scan(pictured(text)))).toEqual(TEXTS);
  });

  it('has four empty modules on every side, and a dark one after them', () => {
    const picture = pictured('weixin://wxpay/bizpayurl?pr=jvUKHoQ00');
    const last = picture.width / MODULE - 1;
    for (let i = 0; i <= last; i++) {
      for (const edge of [0, 3, last - 3, last]) {
        expect([isDark(picture, i, edge), isDark(picture, edge, i)]).toEqual([false, false]);
      }
    }
    expect([isDark(picture, 4, 4), isDark(picture, last - 4, 4), isDark(picture, 4, last - 4)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('corrects errors at level M', () => {
    // The first two format bits, 00 for M, are drawn as 10 (ISO/IEC 18004, 7.9).
    const picture = pictured('weixin://wxpay/bizpayurl?pr=jvUKHoQ00');
    expect([isDark(picture, 4, 12), isDark(picture, 5, 12)]).toEqual([true, false]);
  });
});

it('is small as PNG, whatever it says', () => {
  expect(qrPng('weixin://wxpay/bizpayurl?pr=jvUKHoQ00').length).toBeLessThan(2_000);
});
