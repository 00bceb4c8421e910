// `npm run dev -- --port N --state DIR`: the gateway alone on workerd, until it is stopped.
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, SECRETS_FILE } from './launch.ts';
import { parsePort } from './ports.ts';
import { main, paint, Sentence, stopOnSignals } from './terminal.ts';

const USAGE = `npm run dev -- [--port N] [--state DIR]

  --port N     the port on 127.0.0.1 (8787)
  --state DIR  where orders, channels and D1 are kept (.tollgate)
  --help       this text`;

function readFlags(): { port: number; stateDir: string } {
  const flags = { port: { type: 'string' }, state: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
  let values: { port?: string | undefined; state?: string | undefined; help?: boolean | undefined };
  try {
    values = parseArgs({ options: flags, strict: true }).values;
  } catch (error) {
    throw new Sentence(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
  }
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (values.state === '') throw new Sentence(`--state needs a folder.\n\n${USAGE}`);
  return { port: parsePort(values.port ?? '8787', '--port'), stateDir: resolve(values.state ?? '.tollgate') };
}

main(async () => {
  const { port, stateDir } = readFlags();
  console.log('starting the gateway …');
  const gateway = await launch({
    port,
    stateDir,
    log: ({ level, message }) =>
      level === 'error' || level === 'warn' ? console.error(message) : console.log(message),
  });
  stopOnSignals(async () => {
    console.log('stopping …');
    await gateway.dispose();
  });
  const secrets = relative(process.cwd(), SECRETS_FILE) || SECRETS_FILE;
  console.log(`
${paint('bold', 'Tollgate')} answers at ${paint('cyan', gateway.url)}

  state      ${stateDir}
  admin key  TOLLGATE_ADMIN_KEY in ${secrets}

  try        curl ${gateway.url}/healthz
             export KEY=$(sed -n 's/^TOLLGATE_ADMIN_KEY="\\(.*\\)"$/\\1/p' ${secrets})
             curl -H "Authorization: Bearer $KEY" ${gateway.url}/v1/channels
  contract   ${gateway.url}/openapi.json
  stop       Ctrl-C
`);
});
