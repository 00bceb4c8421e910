// The console's files, which lie in assets/console: served under names that carry their digest, so that browsers keep
// them for a year and ask anew as soon as one of them changes.
import { sha256, toHex } from '../crypto/bytes.ts';

export const ASSETS = ['style.css', 'script.js', 'live.js', 'check.js', 'uplot.css', 'uplot.js', 'charts.js'] as const;
export type Asset = (typeof ASSETS)[number];

const DIGEST_CHARS = 16;
/** The host is not looked at. */
const fetchAsset = (env: Env, file: string) => env.ASSETS.fetch(`https://assets.invalid/console/${file}`);

let known: Promise<ReadonlyMap<Asset, string>> | null = null;
/** Where each file of this version is; read once an isolate, and again after a failure. */
export function assets(env: Env): Promise<ReadonlyMap<Asset, string>> {
  known ??= Promise.all(ASSETS.map((file) => named(env, file))).then((all) => new Map(all));
  known.catch(() => {
    known = null;
  });
  return known;
}

async function named(env: Env, file: Asset): Promise<readonly [Asset, string]> {
  const response = await fetchAsset(env, file);
  if (!response.ok) throw new Error(`The file ${file} is missing among the assets of this deployment.`);
  const digest = toHex(await sha256(new Uint8Array(await response.arrayBuffer()))).slice(0, DIGEST_CHARS);
  return [file, `/console/assets/${file.replace('.', `.${digest}.`)}`];
}

/** Null for what is no file of ours. A page of another version gets what there is now, and keeps none of it. */
export async function assetAt(env: Env, name: string): Promise<Response | null> {
  const file = ASSETS.find((one) => one === name.replace(/\.[0-9a-f]{16}(?=\.)/, ''));
  if (file === undefined) return null;
  const [paths, { body, ok, headers }] = await Promise.all([assets(env), fetchAsset(env, file)]);
  if (!ok) return null;
  const isOurs = paths.get(file) === `/console/assets/${name}`;
  return new Response(body, {
    headers: {
      'cache-control': isOurs ? 'public, max-age=31536000, immutable' : 'no-store',
      'content-type': headers.get('content-type') ?? 'application/octet-stream',
      'x-content-type-options': 'nosniff',
    },
  });
}
