// Flags of the tools: parsed strictly, and told in a sentence with the usage when they are wrong.
import { parseArgs } from 'node:util';
import { Sentence } from './terminal.ts';

export type Flags = {
  /** The flag's text; undefined when it was not given. */
  readonly text: (name: string) => string | undefined;
  readonly has: (name: string) => boolean;
};

/** Reads the flags that take a text and those that do not. --help prints the usage and ends the process. */
export function readFlags(usage: string, texts: readonly string[], switches: readonly string[] = []): Flags {
  const options = {
    ...Object.fromEntries(texts.map((name) => [name, { type: 'string' as const }])),
    ...Object.fromEntries([...switches, 'help'].map((name) => [name, { type: 'boolean' as const }])),
  };
  let values: Record<string, unknown>;
  try {
    values = parseArgs({ options, strict: true }).values;
  } catch (error) {
    throw new Sentence(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
  if (values.help === true) {
    console.log(usage);
    process.exit(0);
  }
  const text = (name: string) => {
    const value = values[name];
    if (value === '') throw new Sentence(`--${name} needs a value.\n\n${usage}`);
    return typeof value === 'string' ? value : undefined;
  };
  return { text, has: (name) => values[name] === true };
}
