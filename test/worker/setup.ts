// Gives each test file its own migrated D1, and lets its objects come to rest at its end.
import { applyD1Migrations, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll } from 'vitest';
import { restObjects } from './rest.ts';

const { TEST_MIGRATIONS } = env as unknown as { TEST_MIGRATIONS: D1Migration[] }; // bound in vitest.config.ts
await applyD1Migrations(env.DB, TEST_MIGRATIONS);

afterAll(restObjects, 30_000);
