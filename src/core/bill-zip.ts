// Unpacks gzip and zip while they arrive. Pure streams: a zip entry is handed to the platform's gzip as a gzip member,
// so that inflating, checksum and length are the platform's. Never trusts a length to be the end: see below.
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BILL_FILES_MAX, UNPACKED_BYTES_FREE, UNPACKED_TIMES_MAX } from './bill.ts';

/** A piece of an unpacked file; `file` counts those of an archive from 0. */
export type Unpacked = { readonly file: number; readonly bytes: Uint8Array };

/** Thrown with a sentence for people: what is wrong with the file, and what to do. */
export class Unreadable extends Error {}

const CUT_OFF = 'The archive was cut off: fetch it again.';

/** Throws what keeps it from its end: `Unreadable`, or what zlib says. */
export async function* unpack(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Unpacked> {
  const source = new ByteSource(bytes);
  try {
    const magic = await source.peek(4);
    if (magic[0] === 0x1f && magic[1] === 0x8b) yield* bounded(source, inFile(0, gunzip(source.rest())));
    else if (signatureAt(magic, 0) === LOCAL_FILE) yield* bounded(source, unzip(source));
    // An archive without a file has no bill in it either.
    else if (signatureAt(magic, 0) !== END_OF_DIRECTORY) yield* inFile(0, source.rest());
  } finally {
    source.letGo();
  }
}

/** A hundred megabytes could unpack to a hundred gigabytes. */
async function* bounded(source: ByteSource, files: AsyncIterable<Unpacked>): AsyncGenerator<Unpacked> {
  let unpacked = 0;
  for await (const piece of files) {
    unpacked += piece.bytes.length;
    if (unpacked > UNPACKED_BYTES_FREE && unpacked > source.taken * UNPACKED_TIMES_MAX) {
      const times = `more than ${UNPACKED_TIMES_MAX} times its size`;
      throw new Unreadable(
        `The file unpacks to ${times}, as no table does: unpack it, look at it, and upload the table.`,
      );
    }
    yield piece;
  }
}

async function* inFile(file: number, parts: AsyncIterable<Uint8Array>): AsyncGenerator<Unpacked> {
  for await (const bytes of parts) yield { file, bytes };
}

// Records of a zip (PKWARE APPNOTE 4.3.7, 4.3.9, 4.3.12, 4.3.16), little endian.
const LOCAL_FILE = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const END_OF_DIRECTORY = 0x06054b50;
const HEADER_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
const FLAG_ENCRYPTED = 1;
const FLAG_DESCRIPTOR = 8;

async function* unzip(source: ByteSource): AsyncGenerator<Unpacked> {
  for (let file = 0; ; file++) {
    const header = await source.peek(HEADER_BYTES);
    if (header.length < HEADER_BYTES || signatureAt(header, 0) !== LOCAL_FILE) return; // the directory follows
    if (file === BILL_FILES_MAX) {
      throw new Unreadable(`The archive has more than ${BILL_FILES_MAX} files: upload the table alone.`);
    }
    const view = new DataView(header.buffer, header.byteOffset, header.length);
    const flags = view.getUint16(6, true);
    const method = view.getUint16(8, true);
    if (flags & FLAG_ENCRYPTED) throw new Unreadable('The archive is encrypted: unpack it and upload the file.');
    if (method !== DEFLATED && method !== STORED) {
      throw new Unreadable(`The archive is packed by method ${method}: pack it as a common zip or gzip.`);
    }
    await source.take(HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true));
    const hasDescriptor = (flags & FLAG_DESCRIPTOR) !== 0;
    if (hasDescriptor && method === STORED) {
      throw new Unreadable('The archive does not say where its files end: unpack it and upload the file.');
    }
    const told = {
      crc: view.getUint32(14, true),
      packed: view.getUint32(18, true),
      unpacked: view.getUint32(22, true),
    };
    if (method === STORED) yield* inFile(file, source.parts(told.packed));
    else yield* inFile(file, gunzip(hasDescriptor ? memberUntilDescriptor(source) : memberOf(source, told)));
  }
}

type Told = { readonly crc: number; readonly packed: number; readonly unpacked: number };

/** RFC 1952: ten bytes before deflated data, its CRC-32 and length after it. Both are what a zip entry has as well. */
const MEMBER_HEAD = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

function memberTail({ crc, unpacked }: Told): Uint8Array {
  const tail = new DataView(new ArrayBuffer(8));
  tail.setUint32(0, crc, true);
  tail.setUint32(4, unpacked, true);
  return new Uint8Array(tail.buffer);
}

async function* memberOf(source: ByteSource, told: Told): AsyncGenerator<Uint8Array> {
  yield MEMBER_HEAD;
  yield* source.parts(told.packed);
  yield memberTail(told);
}

/** Signature, CRC-32, and both lengths of four or of eight bytes. */
const DESCRIPTOR_BYTES = 16;
const DESCRIPTOR_64_BYTES = 24;

/**
 * Written as a stream, an entry tells its lengths only behind its data. Deflated data may hold the descriptor's four
 * signature bytes by chance, so they count only where the length behind them is what has been read.
 */
async function* memberUntilDescriptor(source: ByteSource): AsyncGenerator<Uint8Array> {
  yield MEMBER_HEAD;
  for (let packed = 0; ; ) {
    const bytes = await source.peek(DESCRIPTOR_64_BYTES);
    if (bytes.length < DESCRIPTOR_BYTES) throw new Unreadable(CUT_OFF);
    const found = descriptorIn(bytes, packed);
    if (found !== null) {
      if (found.at > 0) yield await source.take(found.at);
      await source.take(found.length);
      yield memberTail(found);
      return;
    }
    // What could still be the beginning of the descriptor stays.
    const length = Math.max(1, bytes.length - DESCRIPTOR_64_BYTES + 1);
    packed += length;
    yield await source.take(length);
  }
}

function descriptorIn(bytes: Uint8Array, before: number): (Told & { at: number; length: number }) | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = bytes.indexOf(0x50); at >= 0; at = bytes.indexOf(0x50, at + 1)) {
    if (at + DESCRIPTOR_BYTES > bytes.length) return null;
    if (view.getUint32(at, true) !== DESCRIPTOR) continue;
    const packed = before + at;
    if (view.getUint32(at + 8, true) !== packed) continue;
    const crc = view.getUint32(at + 4, true);
    const isLong =
      at + DESCRIPTOR_64_BYTES <= bytes.length && view.getUint32(at + 12, true) === 0 && !isRecord(view, at);
    const unpacked = view.getUint32(at + (isLong ? 16 : 12), true);
    return { at, length: isLong ? DESCRIPTOR_64_BYTES : DESCRIPTOR_BYTES, crc, packed, unpacked };
  }
  return null;
}

/** Behind a descriptor of four-byte lengths the next record begins. */
const isRecord = (view: DataView, at: number): boolean =>
  at + DESCRIPTOR_BYTES + 2 <= view.byteLength && view.getUint16(at + DESCRIPTOR_BYTES, true) === 0x4b50;

const signatureAt = (bytes: Uint8Array, at: number): number =>
  bytes.length < at + 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

/**
 * Through the platform's zlib, which takes no more in than is read: a DecompressionStream of workerd takes everything
 * that it is given, and a bill would be in memory whole and unpacked.
 */
async function* gunzip(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(packed, { objectMode: false, highWaterMark: UNPACKED_BYTES });
  const unpacked = source.pipe(createGunzip({ chunkSize: UNPACKED_BYTES }));
  // What breaks before it breaks behind: pipe alone would leave the reader waiting.
  source.on('error', (error) => unpacked.destroy(error));
  try {
    for await (const bytes of unpacked) yield bytes as Buffer; // of no object mode
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}

/** What is unpacked at once. */
const UNPACKED_BYTES = 64 * 1024;

/** Bytes as they come, with a look ahead. */
class ByteSource {
  readonly #parts: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array();
  #isOver = false;
  /** Bytes that were taken out of it. */
  taken = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#parts = bytes[Symbol.asyncIterator]();
  }

  /** Nobody reads on. Not waited for: the source may be in the middle of waiting itself. */
  letGo(): void {
    this.#isOver = true;
    this.#parts.return?.(undefined).catch(() => null); // a source that breaks now is nobody's business
  }

  /** All that is held, at least so many bytes unless the end comes before. */
  async peek(length: number): Promise<Uint8Array> {
    while (this.#held.length < length && !this.#isOver) {
      const next = await this.#parts.next();
      if (next.done) this.#isOver = true;
      else this.#held = this.#held.length === 0 ? next.value : joined(this.#held, next.value);
    }
    return this.#held;
  }

  async take(length: number): Promise<Uint8Array> {
    const bytes = await this.peek(length);
    if (bytes.length < length) throw new Unreadable(CUT_OFF);
    this.taken += length;
    this.#held = bytes.subarray(length);
    return bytes.subarray(0, length);
  }

  /** So many bytes, in the pieces they come in. */
  async *parts(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      const bytes = await this.peek(1);
      if (bytes.length === 0) throw new Unreadable(CUT_OFF);
      const part = await this.take(Math.min(left, bytes.length));
      left -= part.length;
      yield part;
    }
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = await this.peek(1);
      if (bytes.length === 0) return;
      yield await this.take(bytes.length);
    }
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
