// `npm run chaos`: kills the whole gateway at random moments under load and shows that no acknowledged event is lost.
// Ends with exit code 1 when one is, or when an order's state or sequence is wrong.
import { type Figures, startDrill } from './chaos/drill.ts';
import { readFlags } from './flags.ts';
import { main, paint, Sentence, stopOnSignals } from './terminal.ts';

const USAGE = `npm run chaos -- [--kills N] [--seconds N] [--rate N] [--seed N] [--json]

  --kills N    how often it is killed (8); a kill that strikes twice counts as two
  --seconds N  how long the load lasts, restarts not counted (40)
  --rate N     callbacks a second (60)
  --seed N     repeats the orders and the moments of an earlier run (a new one)
  --json       no progress; the last line is one JSON object
  --help       this text`;

main(async () => {
  const flags = readFlags(USAGE, ['kills', 'seconds', 'rate', 'seed'], ['json']);
  if (process.platform === 'win32') throw new Sentence('The drill kills process groups, which Windows does not have.');
  const count = (name: string, usual: number, least: number) => countOf(flags.text(name), `--${name}`, usual, least);
  const json = flags.has('json');
  const say = (text: string) => {
    if (!json) console.log(text);
  };
  const seed = count('seed', Math.floor(Math.random() * 2 ** 31), 0);
  say(`the seed is ${seed}: repeat these moments with --seed ${seed}`);
  const drill = startDrill({
    kills: count('kills', 8, 1),
    seconds: count('seconds', 40, 1),
    rate: count('rate', 60, 1),
    seed,
    say,
  });
  stopOnSignals(async () => void drill.stop());
  process.once('exit', () => drill.stop());
  const figures = await drill.done;
  const isGood = passed(figures);
  const kept = drill.stop(!isGood);
  const { complaints, ...numbers } = figures;
  for (const complaint of complaints) console.error(complaint);
  if (kept !== null) console.error(`what the gateway knew and said is kept in ${kept}`);
  if (json) console.log(JSON.stringify({ ...numbers, seed }));
  else console.log(summaryOf(figures, isGood));
  process.exit(isGood ? 0 : 1);
});

function countOf(text: string | undefined, flag: string, usual: number, least: number): number {
  if (text === undefined) return usual;
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new Sentence(`${flag} needs a whole number of at least ${least}, not "${text}".\n\n${USAGE}`);
}

/** Duplicates are allowed: a delivery whose outcome died with the process must be repeated. */
const passed = ({ acked, lost, wrongState, outOfOrder, unsettled, unprojected }: Figures): boolean =>
  acked > 0 && lost + wrongState + outOfOrder + unsettled + unprojected === 0;

const summaryOf = (figures: Figures, isGood: boolean): string => `
${isGood ? paint('green', 'Nothing was lost.') : paint('red', 'The drill failed.')}

  kills         ${figures.kills}
  acknowledged  ${figures.acked} callbacks, each a fact of its own
  delivered     ${figures.delivered} of them
  lost          ${figures.lost}
  twice         ${figures.duplicates} deliveries were repeated, each under the id of the first
  wrong state   ${figures.wrongState} orders
  out of order  ${figures.outOfOrder} events
  unsettled     ${figures.unsettled} orders whose ledger waits for an outcome
  unprojected   ${figures.unprojected} orders whose rows in the lists disagree
`;
