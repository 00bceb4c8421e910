// The filter above a list: chosen values live in the address, so that a list can be kept and shared.
import { Select } from './fields.tsx';
import type { Visit } from './kit.ts';

export type FilterField = {
  readonly name: string;
  readonly label: string;
  readonly help?: string;
  readonly value: string;
  readonly choices: readonly { readonly value: string; readonly text: string }[];
};
type FilterProps = {
  readonly visit: Visit;
  readonly action: string;
  readonly fields: readonly FilterField[];
  readonly wrong?: { readonly field: string; readonly message: string } | undefined;
};

export const Filter = ({ visit, action, fields, wrong }: FilterProps) => (
  <form class="card" method="get" action={action} aria-label={visit.say('list.filter')}>
    <div class="filter">
      {fields.map(({ choices, ...field }) => (
        <Select
          visit={visit}
          {...field}
          isFilter
          choices={[{ value: '', text: visit.say('list.all') }, ...choices]}
          wrong={wrong?.field === field.name ? wrong.message : undefined}
        />
      ))}
      <FilterButtons visit={visit} action={action} />
    </div>
  </form>
);

export const FilterButtons = ({ visit, action }: { readonly visit: Visit; readonly action: string }) => (
  <div class="field acts">
    <button class="main" type="submit">
      {visit.say('list.apply')}
    </button>
    <a class="act" href={action}>
      {visit.say('list.clear')}
    </a>
  </div>
);
