// The console's two files, served by the Worker under names that carry their digest: kept by browsers for a year, and
// asked for anew as soon as one of them changes.
import { sha256, toHex, utf8 } from '../crypto/bytes.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

export type Assets = { readonly style: string; readonly script: string };

const DIGEST_CHARS = 16;
const nameOf = async (name: string, text: string, ending: string): Promise<string> =>
  `/console/assets/${name}.${toHex(await sha256(utf8(text))).slice(0, DIGEST_CHARS)}.${ending}`;

let known: Promise<Assets> | null = null;
/** Where the files of this version are. */
export function assets(): Promise<Assets> {
  known ??= (async () => ({
    style: await nameOf('style', STYLE, 'css'),
    script: await nameOf('script', SCRIPT, 'js'),
  }))();
  return known;
}

/** Null for a name that is not of this version. */
export async function assetAt(path: string): Promise<Response | null> {
  const { style, script } = await assets();
  const kept = { 'cache-control': 'public, max-age=31536000, immutable', 'x-content-type-options': 'nosniff' };
  if (path === style) return new Response(STYLE, { headers: { ...kept, 'content-type': 'text/css; charset=utf-8' } });
  if (path !== script) return null;
  return new Response(SCRIPT, { headers: { ...kept, 'content-type': 'text/javascript; charset=utf-8' } });
}
