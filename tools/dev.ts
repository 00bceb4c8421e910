// `npm run dev -- --port N --state DIR`: the gateway alone on workerd, until it is stopped.
import { join, relative, resolve } from 'node:path';
import { readFlags } from './flags.ts';
import { launch, ROOT, SECRETS_FILE } from './launch.ts';
import { parsePort } from './ports.ts';
import { main, paint, stopOnSignals } from './terminal.ts';

const USAGE = `npm run dev -- [--port N] [--state DIR]

  --port N     the port on 127.0.0.1 (8787)
  --state DIR  where orders, channels and D1 are kept (.tollgate)
  --help       this text`;

main(async () => {
  const flags = readFlags(USAGE, ['port', 'state']);
  const port = parsePort(flags.text('port') ?? '8787', '--port');
  const stateDir = resolve(flags.text('state') ?? join(ROOT, '.tollgate'));
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
