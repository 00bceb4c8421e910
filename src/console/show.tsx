// How a page is answered: within the frame, with the headers that every page has.
import type { Child } from 'hono/jsx';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { type Asset, assets } from './assets.ts';
import type { Problem } from './call.ts';
import { type Context, type Guest, guestOf, type Visit } from './kit.ts';
import { Frame, type Section } from './layout.tsx';
import { ProblemNote } from './parts.tsx';

type Page = {
  readonly title: string;
  readonly section?: Section;
  readonly status?: number;
  readonly forward?: string;
  /** What this page has besides the frame's own. */
  readonly files?: readonly Asset[];
  readonly body: Child;
};

/** Within the frame of a guest, or of a visitor who has not logged in. */
export async function show(
  c: Context,
  { title, section, status = 200, forward, files = [], body }: Page,
): Promise<Response> {
  const visit: Visit | Guest = c.get('me') === null ? c.get('visit') : guestOf(c);
  const frame = (
    <Frame visit={visit} paths={await pathsOf(c, files)} title={title} section={section} forward={forward}>
      {body}
    </Frame>
  );
  const html = `<!doctype html>${await frame.toString()}`;
  const type = { 'content-type': 'text/html; charset=utf-8' };
  return c.newResponse(html, status as ContentfulStatusCode, type); // every status here goes with a body
}

async function pathsOf(c: Context, files: readonly Asset[]): Promise<readonly string[]> {
  const paths = await assets(c.env);
  const wanted: readonly Asset[] = ['style.css', 'script.js', ...files];
  return wanted.flatMap((file) => paths.get(file) ?? []);
}

/** A page that shows why there is no other. */
export function showProblem(c: Context, problem: Problem, section?: Section): Promise<Response> {
  const visit = c.get('visit');
  const { say, here } = visit;
  return show(c, {
    title: say('problem.title'),
    ...(section === undefined ? {} : { section }),
    status: problem.status,
    body: (
      <>
        <ProblemNote visit={visit} problem={problem} />
        <ul class="acts">
          <li>
            <a class="act" href={here}>
              {say('problem.again')}
            </a>
          </li>
          <li>
            <a class="act" href="/console">
              {say('problem.home')}
            </a>
          </li>
        </ul>
      </>
    ),
  });
}
