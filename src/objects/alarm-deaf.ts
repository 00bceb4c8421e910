// Destinations that do not hear, until the registry knows of it: written with what showed it, so that no crash between
// giving a message up and raising the alarm loses the alarm. Raises nothing itself.
import type { Alarm } from '../core/alarm.ts';

const DEAF = 'deaf';

type Deaf = { readonly error: string; readonly isOver: boolean; readonly isTold: boolean };
type Book = Readonly<Record<string, Deaf>>;

export class DeafBook {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  noteDead(id: string, error: string): void {
    this.#put(id, { error, isOver: false, isTold: false });
  }

  /** It took something, or is there no more. */
  noteOver(id: string): void {
    const known = this.#read()[id];
    if (known) this.#put(id, { ...known, isOver: true, isTold: false });
  }

  /** What the registry does not know yet. */
  untold(at: number): readonly Alarm[] {
    return Object.entries(this.#read()).flatMap(([id, { error, isOver, isTold }]): readonly Alarm[] => {
      if (isTold) return [];
      const about = { code: 'notification_dead', subject: `destination/${id}`, at } as const;
      const detail = `${id} took no message for a day: ${error}`;
      return [isOver ? { ...about, detail: '', ended: true } : { ...about, detail }];
    });
  }

  /** The registry knows all that there is. */
  noteTold(): void {
    const standing = Object.entries(this.#read()).filter(([, { isOver }]) => !isOver);
    this.#write(Object.fromEntries(standing.map(([id, deaf]) => [id, { ...deaf, isTold: true }])));
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
