// SQL of the registry's products. Knows nothing of the orders that scans make.
import type { Product, ProductChange, ProductDraft } from '../core/product.ts';

type ProductRow = {
  id: string;
  channel: string;
  name: string;
  minor: number;
  currency: string;
  enabled: number;
  created_at: number;
  updated_at: number;
};

const productOf = ({ minor, currency, enabled, created_at, updated_at, ...row }: ProductRow): Product => ({
  ...row,
  amount: { minor, currency },
  enabled: enabled === 1,
  createdAt: created_at,
  updatedAt: updated_at,
});

export function readProductRow(sql: SqlStorage, id: string): Product | null {
  const row = sql.exec<ProductRow>('SELECT * FROM products WHERE id = ?', id).toArray()[0];
  return row ? productOf(row) : null;
}

export function listProductRows(sql: SqlStorage): readonly Product[] {
  return sql.exec<ProductRow>('SELECT * FROM products ORDER BY id').toArray().map(productOf);
}

/** Null when the id is taken. */
export function insertProduct(sql: SqlStorage, draft: ProductDraft, now: number): Product | null {
  const { id, channel, name, amount, enabled } = draft;
  const row = sql
    .exec<ProductRow>(
      `INSERT INTO products (id, channel, name, minor, currency, enabled, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT (id) DO NOTHING RETURNING *`,
      id,
      channel,
      name,
      amount.minor,
      amount.currency,
      enabled ? 1 : 0,
      now,
    )
    .toArray()[0];
  return row ? productOf(row) : null;
}

/** Null when there is no such product. */
export function changeProduct(sql: SqlStorage, id: string, change: ProductChange, now: number): Product | null {
  const { name, amount, enabled } = change;
  const row = sql
    .exec<ProductRow>(
      `UPDATE products SET updated_at = ?1, name = coalesce(?2, name), minor = coalesce(?3, minor),
         currency = coalesce(?4, currency), enabled = coalesce(?5, enabled) WHERE id = ?6 RETURNING *`,
      now,
      name ?? null,
      amount?.minor ?? null,
      amount?.currency ?? null,
      enabled === undefined ? null : Number(enabled),
      id,
    )
    .toArray()[0];
  return row ? productOf(row) : null;
}
