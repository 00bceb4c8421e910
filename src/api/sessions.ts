// Logins to the console: each on record, with where it came from, and ended for good where somebody logs out. One
// route, /v1/sessions/end; the rest is called by the console alone, in process. Holds no session: these are in cookies.
import { plainEmail } from '../core/access.ts';
import type { Who } from '../core/act.ts';
import { SCOPES } from '../core/registry.ts';
import { forgetAccessCopy } from '../store/access-copy.ts';
import { requires, stampOf, WriteHeaders } from './auth.ts';
import { iso, Time } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

const CONSOLE = 'console';

/** `about`: by what, or why not. Awaited: a login that is not on record is none. */
export async function noteLogin(env: Env, who: Who, kind: 'login.done' | 'login.failed', about: string): Promise<void> {
  await registryOf(env).noteAct({ ...who, kind, subject: CONSOLE, about, reason: null }, Date.now());
}

/** Nobody comes back with what this session's cookie holds, wherever a copy of it may be. */
export async function endOneSession(env: Env, who: Who, id: string): Promise<void> {
  const act = { ...who, kind: 'login.end', subject: CONSOLE, about: '', reason: null };
  await registryOf(env).endSessions(`session/${id}`, { now: Date.now(), key: null, digest: '', act }, who.actor);
  forgetAccessCopy();
}

export const sessions = newApp();

const EndInput = z
  .strictObject({
    actor: z.string().min(1).max(200).optional().openapi({ description: 'A key or an e-mail; left out: the caller.' }),
    everybody: z.literal(true).optional(),
  })
  .openapi('SessionsEndInput');

sessions.openapi(
  createRoute({
    method: 'post',
    path: '/sessions/end',
    summary: 'Log out of the console everywhere',
    description: 'Sessions of the console that began before are over within 10 seconds. Those of others end an admin.',
    middleware: requires(...SCOPES),
    request: { headers: WriteHeaders, body: { ...bodyOf(EndInput), required: false } },
    responses: {
      200: jsonOf('Sessions that began before are over.', z.object({ endedBefore: Time }).openapi('SessionsEnded')),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { actor, everybody } = EndInput.parse(c.req.valid('json') ?? {});
    const { id, scopes } = c.get('principal');
    // A person's sessions are known by the e-mail as Access's rules have it; keys have no @.
    const named = actor?.includes('@') ? plainEmail(actor) : actor;
    const whose = everybody ? null : (named ?? id);
    if (whose !== id && !scopes.includes('admin')) {
      return refuse(c, {
        code: 'forbidden',
        detail: 'The sessions of others end an admin: leave actor out for yours.',
      });
    }
    const stamp = await stampOf(c, `session/${whose ?? 'everybody'}`);
    const reply = await registryOf(c.env).endSessions(whose, stamp);
    if (reply.kind !== 'done') return refuseWrite(c, reply, 'These sessions');
    forgetAccessCopy();
    return c.json({ endedBefore: iso(reply.value.at) }, 200);
  },
);
