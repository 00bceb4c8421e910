// Pictures of codes, read as a camera would have them: bytes or markup in, RGBA out. Shares nothing with what draws
// them.
import { crc32, inflateSync } from 'node:zlib';
import decodeQR from 'qr/decode.js';

export type Picture = { readonly width: number; readonly height: number; readonly data: Uint8Array };

const SIGNATURE = '89504e470d0a1a0a';

type Chunk = { readonly type: string; readonly data: Uint8Array };

/** The chunks of a PNG; throws for a wrong signature, length or checksum. */
function chunksOf(png: Uint8Array): Chunk[] {
  if (png.subarray(0, 8).toHex() !== SIGNATURE) throw new Error('no PNG signature');
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at);
    const named = png.subarray(at + 4, at + 8 + length);
    if (crc32(named) !== view.getUint32(at + 8 + length)) throw new Error('a chunk with a wrong checksum');
    chunks.push({ type: new TextDecoder().decode(named.subarray(0, 4)), data: named.subarray(4) });
    at += 12 + length;
  }
  return chunks;
}

/** Reads the one kind of PNG that codes need: one bit a pixel, no filter, not interlaced. */
export function pictureOfPng(png: Uint8Array): Picture {
  const chunks = chunksOf(png);
  const header = chunks[0]?.data ?? new Uint8Array();
  const kinds = chunks.map(({ type }) => type).join(' ');
  if (kinds !== 'IHDR IDAT IEND' || header.subarray(8).toHex() !== '0100000000') throw new Error(`a PNG of ${kinds}`);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const lines = inflateSync(chunks[1]?.data ?? new Uint8Array());
  const bytesPerLine = Math.ceil(width / 8) + 1;
  return draw(width, height, (x, y) => {
    const bit = (lines[y * bytesPerLine + 1 + (x >> 3)] ?? 0) & (0x80 >> (x & 7));
    return bit === 0;
  });
}

/** Reads squares of one path on a white ground. */
export function pictureOfSvg(svg: string): Picture {
  const [, width = '', height = ''] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? [];
  const dark = new Set<number>();
  for (const [, x, y, side] of svg.matchAll(/M(\d+),(\d+)h(\d+)v\3h-\3z/g)) {
    for (let dy = 0; dy < Number(side); dy++) {
      for (let dx = 0; dx < Number(side); dx++) dark.add((Number(y) + dy) * Number(width) + Number(x) + dx);
    }
  }
  return draw(Number(width), Number(height), (x, y) => dark.has(y * Number(width) + x));
}

function draw(width: number, height: number, isDark: (x: number, y: number) => boolean): Picture {
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (isDark(x, y)) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
  }
  return { width, height, data };
}

/** What the code in the picture says. */
export const scan = (picture: Picture): string => decodeQR(picture, { timeLimit: 10_000 });
