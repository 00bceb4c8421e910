// Fields of forms: each with its label, its help and its error tied to it. Never shows a secret that was entered.
import type { Child } from 'hono/jsx';
import type { Visit } from './kit.ts';

type Common = {
  readonly visit: Visit;
  readonly name: string;
  readonly label: string;
  readonly help?: string | undefined;
  readonly wrong?: string | undefined;
  readonly isRequired?: boolean | undefined;
  /** A filter may always be left open: nobody has to be told. */
  readonly isFilter?: boolean | undefined;
  /** A time in UTC; the script lets it be entered in the reader's own zone. */
  readonly isUtc?: boolean | undefined;
};

const idOf = (name: string): string => `f-${name.replaceAll(/[^\w-]/g, '-')}`;
const describedBy = ({ name, help, wrong }: Common): string | undefined =>
  [help ? `${idOf(name)}-help` : '', wrong ? `${idOf(name)}-wrong` : ''].filter(Boolean).join(' ') || undefined;

function Around(props: Common & { readonly children?: Child }) {
  const { visit, name, label, help, wrong, isRequired, isFilter, isUtc } = props;
  return (
    <div class="field">
      <label for={idOf(name)}>
        {label}
        {isUtc ? (
          <span class="soft small">
            {' ('}
            <span data-zone>{visit.say('frame.utc')}</span>
            {')'}
          </span>
        ) : null}
        {isRequired || isFilter ? null : <span class="soft small">{` (${visit.say('form.optional')})`}</span>}
      </label>
      {help ? (
        <p class="help soft small" id={`${idOf(name)}-help`}>
          {help}
        </p>
      ) : null}
      {props.children}
      {wrong ? (
        <p class="wrong" id={`${idOf(name)}-wrong`}>
          {wrong}
        </p>
      ) : null}
    </div>
  );
}

type InputProps = Common & {
  readonly type?: 'text' | 'password' | 'url' | 'number' | 'date' | 'datetime-local';
  readonly value?: string | undefined;
  readonly mode?: 'decimal' | 'numeric' | undefined;
};
export const Input = (props: InputProps) => (
  <Around {...props}>
    <input
      id={idOf(props.name)}
      name={props.name}
      type={props.type ?? 'text'}
      value={props.type === 'password' ? undefined : props.value}
      data-utc={props.isUtc === true ? '' : undefined}
      autocomplete="off"
      spellcheck={false}
      inputmode={props.mode}
      required={props.isRequired}
      aria-invalid={props.wrong ? 'true' : undefined}
      aria-describedby={describedBy(props)}
    />
  </Around>
);

/** Nothing of it is shown again: a browser never gives a file back. */
export const FileInput = (props: Common) => (
  <Around {...props}>
    <input
      id={idOf(props.name)}
      name={props.name}
      type="file"
      required={props.isRequired}
      aria-invalid={props.wrong ? 'true' : undefined}
      aria-describedby={describedBy(props)}
    />
  </Around>
);

/** A masked one is for keys of several lines, which no password field can hold. */
export const Area = (props: Common & { readonly value?: string | undefined; readonly isMasked?: boolean }) => (
  <Around {...props}>
    <textarea
      id={idOf(props.name)}
      name={props.name}
      rows={6}
      class={props.isMasked ? 'masked' : undefined}
      autocomplete="off"
      spellcheck={false}
      required={props.isRequired}
      aria-invalid={props.wrong ? 'true' : undefined}
      aria-describedby={describedBy(props)}
    >
      {props.isMasked ? '' : (props.value ?? '')}
    </textarea>
  </Around>
);

type Choice = { readonly value: string; readonly text: string; readonly lang?: string };
type SelectProps = Common & { readonly choices: readonly Choice[]; readonly value?: string | undefined };
export const Select = (props: SelectProps) => (
  <Around {...props}>
    <select
      id={idOf(props.name)}
      name={props.name}
      aria-invalid={props.wrong ? 'true' : undefined}
      aria-describedby={describedBy(props)}
    >
      {props.choices.map(({ value, text, lang }) => (
        <option value={value} lang={lang} selected={value === (props.value ?? '')}>
          {text}
        </option>
      ))}
    </select>
  </Around>
);

type ChecksProps = Common & { readonly choices: readonly Choice[]; readonly values: readonly string[] };
export const Checks = (props: ChecksProps) => (
  <fieldset aria-describedby={describedBy(props)}>
    <legend>{props.label}</legend>
    {props.help ? (
      <p class="help soft small" id={`${idOf(props.name)}-help`}>
        {props.help}
      </p>
    ) : null}
    {props.choices.map(({ value, text }) => (
      <label>
        <input type="checkbox" name={props.name} value={value} checked={props.values.includes(value)} />
        {text}
      </label>
    ))}
    {props.wrong ? (
      <p class="wrong" id={`${idOf(props.name)}-wrong`}>
        {props.wrong}
      </p>
    ) : null}
  </fieldset>
);

type ButtonsProps = {
  readonly visit: Visit;
  readonly text: string;
  readonly back: string;
  readonly children?: Child;
};
/** The end of a form: what sends it, other ways to send it, the way back. */
export const Buttons = ({ visit, text, back, children }: ButtonsProps) => (
  <div class="acts">
    <button class="main" type="submit">
      {text}
    </button>
    {children}
    <a class="act" href={back}>
      {visit.say('form.back')}
    </a>
  </div>
);
