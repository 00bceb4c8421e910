// The `standard` format, version 1: JSON as the Standard Webhooks specification frames it. Pure.

/** One event's body. `data` is the snapshot's JSON, as it is, so that its bytes never change between attempts. */
export function renderStandard(type: string, occurredAt: number, data: string): { contentType: string; body: string } {
  const timestamp = new Date(occurredAt).toISOString();
  return {
    contentType: 'application/json',
    body: `{"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(timestamp)},"data":${data}}`,
  };
}
