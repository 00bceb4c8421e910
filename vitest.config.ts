// Four kinds of test: pure parts in plain Node, verbs and objects in workerd with real bindings, pages in a browser,
// whole runtimes in child processes. Names of files say which is which by their folder.
import { availableParallelism } from 'node:os';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { Response } from 'miniflare';
import { defineConfig } from 'vitest/config';

const migrations = await readD1Migrations('migrations');

/** vitest leaves one core to itself, which of two is half of what there is: tests that wait leave it enough. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'pure',
          maxWorkers,
          isolate: false, // what is pure leaves nothing behind for the next file
          include: ['test/{core,crypto,providers,formats,sandbox,tools}/**/*.test.ts', 'test/*.test.ts'],
          // workerd has Uint8Array.fromBase64; Node 24 has it behind this flag.
          execArgv: ['--js-base-64'],
          setupFiles: ['test/setup-pure.ts'],
          // No test says how fast it must be: this only ends one that hangs, on a machine that is busy with others.
          testTimeout: 60_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: migrations,
                TOLLGATE_PUBLIC_URL: 'http://127.0.0.1:8787',
                TOLLGATE_LEASE_MS: '300',
                TOLLGATE_LOG: 'faults', // tests of the log say otherwise
                // Test keys: generated for tests, valid nowhere.
                TOLLGATE_MASTER_KEY: 'dGVzdC1tYXN0ZXIta2V5LW9mLTMyLWJ5dGVzLWxvbmc=',
                TOLLGATE_ADMIN_KEY: 'tg_test_admin_key_valid_nowhere_else_0123456789',
              },
              r2Buckets: ['ARCHIVE'],
              // A backend without a public address, behind a real service binding; it repeats what it was sent.
              serviceBindings: {
                PRIVATE_BACKEND: async (request) => {
                  const signed = request.headers.has('webhook-signature') ? 'signed' : 'unsigned';
                  const { length } = await request.text();
                  return new Response(`${request.method} ${request.url} ${signed} ${length}`);
                },
              },
            },
          }),
        ],
        test: {
          name: 'workerd',
          maxWorkers,
          include: ['test/worker/**/*.test.ts'],
          setupFiles: ['test/worker/setup.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'browser',
          sequence: { groupOrder: 1 }, // whole runtimes want the machine for themselves
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'runtime',
          sequence: { groupOrder: 2 },
          include: ['test/{runtime,examples}/**/*.test.ts'],
          execArgv: ['--js-base-64'], // the examples' tests sign with our own code
          setupFiles: ['test/setup-pure.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
