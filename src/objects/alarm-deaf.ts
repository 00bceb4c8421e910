// Destinations that do not hear, until the registry knows of it: written with what showed it, so that no crash between
// giving a message up and raising the alarm loses the alarm. Raises nothing itself.
import type { Alarm } from '../core/alarm.ts';

const DEAF = 'deaf';

type Deaf = { readonly error: string; readonly isOver: boolean; readonly isTold: boolean };
export type Book = Readonly<Record<string, Deaf>>;

export const alarmsIn = (book: Book, at: number): readonly Alarm[] =>
  Object.entries(book).map(([id, { error, isOver }]) => {
    const about = { code: 'notification_dead', subject: `destination/${id}`, at } as const;
    const detail = `${id} took no message for a day: ${error}`;
    return isOver ? { ...about, detail: '', ended: true } : { ...about, detail };
  });

export class DeafBook {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  noteDead(id: string, error: string): void {
    this.#put(id, { error, isOver: false, isTold: false });
  }

  /** It took something, or nobody is told there any more. */
  noteOver(id: string): void {
    const known = this.#read()[id];
    if (known) this.#put(id, { ...known, isOver: true, isTold: false });
  }

  /** What the registry does not know yet. */
  untold(): Book {
    return Object.fromEntries(Object.entries(this.#read()).filter(([, { isTold }]) => !isTold));
  }

  /** The registry knows of these now; what has changed meanwhile it does not. */
  noteTold(told: Book): void {
    const known = Object.entries(this.#read()).flatMap(([id, deaf]): [string, Deaf][] => {
      const isSame = told[id]?.isOver === deaf.isOver && told[id]?.error === deaf.error;
      if (!isSame) return [[id, deaf]];
      return deaf.isOver ? [] : [[id, { ...deaf, isTold: true }]];
    });
    this.#write(Object.fromEntries(known));
  }

  #put(id: string, deaf: Deaf): void {
    this.#write({ ...this.#read(), [id]: deaf });
  }

  #read(): Book {
    return JSON.parse(this.#storage.kv.get<string>(DEAF) ?? '{}') as Book; // written by #write alone
  }

  #write(book: Book): void {
    this.#storage.kv.put(DEAF, JSON.stringify(book));
  }
}
