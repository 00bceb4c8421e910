// QR: a text as a code to scan, drawn as SVG and as PNG. Pure. Never draws one that a reader could miss: error level M,
// with the whole quiet zone.
import { encode as encodePng } from 'fast-png';
import { encode, renderSVG } from 'uqr';

/** A reader needs this many empty modules around the code (ISO/IEC 18004, 6.3.8). */
const QUIET_ZONE_MODULES = 4;
/** Pixels of one module: sharp on a dense screen and in print. */
const MODULE_PIXELS = 10;

const OPTIONS = { ecc: 'M', border: QUIET_ZONE_MODULES } as const;

export const qrSvg = (text: string): string => renderSVG(text, { ...OPTIONS, pixelSize: MODULE_PIXELS });

/** One bit a pixel, 1 being white. */
export function qrPng(text: string): Uint8Array<ArrayBuffer> {
  const { data, size } = encode(text, OPTIONS);
  const width = size * MODULE_PIXELS;
  const bytesPerLine = Math.ceil(width / 8);
  const pixels = new Uint8Array(bytesPerLine * width);
  for (const [row, modules] of data.entries()) {
    const line = new Uint8Array(bytesPerLine);
    for (let x = 0; x < width; x++) {
      if (!modules[Math.floor(x / MODULE_PIXELS)]) line[x >> 3] = (line[x >> 3] ?? 0) | (0x80 >> (x & 7));
    }
    for (let y = 0; y < MODULE_PIXELS; y++) pixels.set(line, (row * MODULE_PIXELS + y) * bytesPerLine);
  }
  return new Uint8Array(encodePng({ width, height: width, data: pixels, depth: 1, channels: 1 }));
}
