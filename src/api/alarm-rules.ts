// /v1/alarm-rules: which alarms are told, to whom, and from where on. Tells nobody itself.
import { ALARM_CODES } from '../core/alarm.ts';
import { type AlarmRules, rulesWith, thresholdsOf } from '../core/alarm-rule.ts';
import { DESTINATIONS_MAX } from '../core/limits.ts';
import { deskOf } from './alarms.ts';
import { noteDone, requires, stampOf, WriteHeaders } from './auth.ts';
import { Id } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, z } from './kit.ts';
import { invalid, problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

export const alarmRules = newApp();

const fields = {
  enabled: z.boolean().openapi({ description: 'Whether anybody is told. It is listed either way.' }),
  critical: z.boolean().openapi({ description: 'Told in quiet hours too.' }),
  destinations: z.array(Id).max(DESTINATIONS_MAX).nullable().openapi({ description: 'Ids; null: all of them.' }),
  repeatMinutes: z
    .int('must be a whole number of minutes')
    .min(1)
    .max(10_080, 'must be at most a week: 10080')
    .openapi({ description: 'An alarm that goes on is told again after this.' }),
  minutes: z.int('must be a whole number of minutes').min(1).max(10_080, 'must be at most a week: 10080').openapi({
    description:
      'backlog_age: how old the oldest undelivered event may be. provider_…: how long no question is answered.',
  }),
  perMinute: z
    .number()
    .min(0.1, 'must be at least 0.1')
    .max(1_000_000)
    .openapi({ description: 'rejection_spike: fewer refusals a minute are never one.' }),
  times: z
    .number()
    .min(1, 'must be at least 1')
    .max(1_000)
    .openapi({ description: 'rejection_spike: so many times the usual rate of the day before.' }),
};
const RuleInput = z.strictObject(fields).partial().openapi('AlarmRuleInput');
const RuleBody = z
  .object({ ...fields, minutes: fields.minutes.optional(), perMinute: fields.perMinute.optional() })
  .extend({ times: fields.times.optional() })
  .openapi('AlarmRule');

const ofCodes = <T extends z.ZodType>(rule: T) => Object.fromEntries(ALARM_CODES.map((code) => [code, rule]));
export const RulesBody = z.object({ rules: z.object(ofCodes(RuleBody)) }).openapi('AlarmRules');
const RulesInput = z
  .strictObject({ rules: z.strictObject(ofCodes(RuleInput.optional())) })
  .openapi('AlarmRulesInput', { description: 'What is left out is as usual.' });

const render = (rules: AlarmRules) => ({
  rules: Object.fromEntries(
    ALARM_CODES.map((code) => {
      const { destinations, ...rule } = rules[code];
      return [code, { ...rule, destinations: destinations && [...destinations] }];
    }),
  ),
});

alarmRules.openapi(
  createRoute({
    method: 'get',
    path: '/alarm-rules',
    summary: 'Read the rules of alarms',
    middleware: requires('read'),
    responses: { 200: jsonOf('A rule for each code.', RulesBody), ...problemResponse },
  }),
  async (c) => c.json(render(await deskOf(c.env).readRules()), 200),
);

alarmRules.openapi(
  createRoute({
    method: 'put',
    path: '/alarm-rules',
    summary: 'Choose the rules of alarms',
    description: 'Replaces what was chosen before: a code or member that is left out is as usual again.',
    middleware: requires(),
    request: { headers: WriteHeaders, body: bodyOf(RulesInput) },
    responses: { 200: jsonOf('The rules as they stand now.', RulesBody), ...problemResponse },
  }),
  async (c) => {
    const { rules } = c.req.valid('json');
    const known = (await deskOf(c.env).listDestinations()).map(({ id }) => id);
    const errors = ALARM_CODES.flatMap((code) => {
      const rule = rules[code] ?? {};
      const strangers = (['minutes', 'perMinute', 'times'] as const)
        .filter((name) => rule[name] !== undefined && !(name in thresholdsOf(code)))
        .map((name) => ({ field: `rules.${code}.${name}`, message: 'is no member of this rule: remove it' }));
      const unknown = (rule.destinations ?? [])
        .filter((id) => !known.includes(id))
        .map((id) => ({ field: `rules.${code}.destinations`, message: `names ${id}, which is no destination` }));
      return [...strangers, ...unknown];
    });
    if (errors.length > 0) return refuse(c, invalid(...errors));
    const chosen = Object.fromEntries(Object.entries(rules).map(([code, rule]) => [code, given(rule ?? {})]));
    const stamp = await stampOf(c, 'alarm-rules');
    const reply = await deskOf(c.env).putRules(chosen, stamp);
    if (reply.kind !== 'done') return refuseWrite(c, reply, 'This rule');
    await noteDone(c, stamp, reply);
    return c.json(render(rulesWith(chosen)), 200);
  },
);

/** Without the members that are there and undefined. */
const given = (rule: z.infer<typeof RuleInput>) =>
  Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined));
