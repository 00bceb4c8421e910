// The formats an origin may choose. Pure. One name, one renderer.
import { renderStandard } from './standard.ts';

type Render = (type: string, occurredAt: number, data: string) => { contentType: string; body: string };

const FORMATS: Readonly<Record<string, Render>> = { standard: renderStandard };

export const FORMAT_NAMES = Object.keys(FORMATS);

export function formatOf(name: string): Render | null {
  return Object.hasOwn(FORMATS, name) ? (FORMATS[name] ?? null) : null;
}
