// Bundles the Worker exactly as wrangler builds it for a deploy, without deploying. Never talks to the network.
import { execFile } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { extname, join, parse } from 'node:path';
import { promisify } from 'node:util';
import { Sentence } from './terminal.ts';

/** Keeps wrangler quiet: no telemetry, no questions, no logs in the home directory. */
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_WRITE_LOGS: 'false',
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: 'true',
  NO_COLOR: '1',
};

export type Module = { readonly type: 'ESModule' | 'CompiledWasm' | 'Text' | 'Data'; readonly path: string };

const TYPES: Readonly<Record<string, Module['type']>> = {
  '.js': 'ESModule',
  '.mjs': 'ESModule',
  '.wasm': 'CompiledWasm',
  '.txt': 'Text',
  '.html': 'Text',
  '.sql': 'Text',
  '.bin': 'Data',
};

/** Builds into `outDir` and returns the modules, the entry first: wrangler.toml's own unless another is given. */
export async function bundle(root: string, outDir: string, entry = 'src/index.ts'): Promise<Module[]> {
  rmSync(outDir, { recursive: true, force: true });
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js');
  try {
    await promisify(execFile)(process.execPath, [wrangler, 'deploy', entry, '--dry-run', '--outdir', outDir], {
      cwd: root,
      env: { ...process.env, ...QUIET, FORCE_COLOR: undefined },
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }; // execFile adds both
    throw new Sentence(`The Worker could not be bundled:\n${`${stderr}\n${stdout}`.trim()}`);
  }
  return modulesOf(outDir, `${parse(entry).name}.js`);
}

function modulesOf(outDir: string, main: string): Module[] {
  const files = readdirSync(outDir, { recursive: true, encoding: 'utf8' }).sort();
  const modules: Module[] = [];
  for (const file of files) {
    const type = TYPES[extname(file)];
    if (type && file !== main) modules.push({ type, path: join(outDir, file) });
  }
  return [{ type: 'ESModule', path: join(outDir, main) }, ...modules];
}
