// The page before an act on an order: what will happen, and the button that lets it. Acts on nothing itself.

import type { Child } from 'hono/jsx';
import type { Problem } from './call.ts';
import { Buttons } from './fields.tsx';
import { to, type Visit, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import type { Place } from './order.tsx';
import { Note, ProblemNote } from './parts.tsx';

export const pathOf = ({ channel, orderNo }: Place, act: string): string => to('orders', channel, orderNo, act);
export const back = ({ channel, orderNo }: Place, done?: string) => withQuery(to('orders', channel, orderNo), { done });

type ConfirmProps = {
  readonly visit: Visit;
  readonly place: Place;
  readonly act: string;
  readonly will: string;
  readonly button: string;
  readonly problem?: Problem | undefined;
  readonly once: string;
  readonly children?: Child;
};

export const Confirm = ({ visit, place, act, will, button, problem, once, children }: ConfirmProps) => (
  <form class="card narrow" method="post" action={pathOf(place, act)}>
    {problem === undefined ? null : <ProblemNote visit={visit} problem={problem} />}
    <Note tone="warn">
      <p>{will}</p>
    </Note>
    <Token token={visit.token} />
    <input type="hidden" name="once" value={once} />
    {children}
    <Buttons visit={visit} text={button} back={back(place)} />
  </form>
);
