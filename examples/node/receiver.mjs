// A shop that receives Tollgate's events: proves each delivery genuine, takes each event once, ships an order once.
// Needs Node 22.16 or newer, and nothing to install. Never answers 2xx before its own commit.
import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';

const { TOLLGATE_SECRET = '', PORT = '3000', STORE = 'shop.db' } = process.env;
const TOLERANCE_SECONDS = 300;
const BODY_BYTES_MAX = 1_000_000;

const db = new DatabaseSync(STORE);
db.exec(`
  PRAGMA busy_timeout = 3000;
  CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY NOT NULL);
  CREATE TABLE IF NOT EXISTS orders (channel TEXT NOT NULL, order_no TEXT NOT NULL, sequence INTEGER NOT NULL,
    state TEXT NOT NULL, PRIMARY KEY (channel, order_no));
  CREATE TABLE IF NOT EXISTS shipments (channel TEXT NOT NULL, order_no TEXT NOT NULL, PRIMARY KEY (channel, order_no));
  CREATE TABLE IF NOT EXISTS notes (channel TEXT NOT NULL, order_no TEXT NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (channel, order_no, note));
`);

// Several, separated by spaces, while one takes another's place: whsec_… (HMAC) or whpk_… (ed25519).
const verifiers = TOLLGATE_SECRET.split(' ').map(verifierOf);

function verifierOf(secret) {
  const [kind, text = ''] = secret.split('_');
  const bytes = Buffer.from(text, 'base64');
  if (kind === 'whsec' && bytes.length >= 24) {
    const digestOf = (signed) => createHmac('sha256', bytes).update(signed).digest();
    const fits = (signed, signature) => signature.length === 32 && timingSafeEqual(digestOf(signed), signature);
    return { version: 'v1', fits };
  }
  if (kind === 'whpk' && bytes.length === 32) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return { version: 'v1a', fits: (signed, signature) => verify(null, signed, key, signature) };
  }
  throw new Error('Set TOLLGATE_SECRET to the whsec_… or whpk_… of the origin.');
}

/** https://www.standardwebhooks.com: one of the signatures fits {id}.{timestamp}.{body}, bytes as they came. */
function isGenuine(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures = '' } = headers;
  if (!id || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  return signatures.split(' ').some((part) => {
    const [version, text = ''] = part.split(',');
    const signature = Buffer.from(text, 'base64');
    return verifiers.some((verifier) => verifier.version === version && verifier.fits(signed, signature));
  });
}

/** One transaction: that the event is known, and all that it changes. */
function take(id, event) {
  db.exec('BEGIN IMMEDIATE');
  try {
    const outcome = record(id, event);
    db.exec('COMMIT');
    return outcome;
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

function record(id, { type, data: { channel, sequence, order } }) {
  const key = [channel, order.orderNo];
  const note = (text) => db.prepare('INSERT OR IGNORE INTO notes VALUES (?, ?, ?)').run(...key, text);
  if (db.prepare('INSERT OR IGNORE INTO events VALUES (?)').run(id).changes === 0) return 'seen before';

  const known = db.prepare('SELECT sequence FROM orders WHERE channel = ? AND order_no = ?').get(...key);
  if (known && sequence < known.sequence) {
    note(`late ${type}`); // for a person: what came after it knew more
    return 'older than what is known';
  }
  db.prepare('REPLACE INTO orders VALUES (?, ?, ?, ?)').run(...key, sequence, order.state);
  for (const flag of order.flags) note(flag);
  if (type !== 'payment.succeeded') return 'noted';
  // Nobody told the gateway the price of an order that was not registered: a person compares it.
  if (!order.amountChecked || order.state !== 'paid') {
    note('not shipped');
    return 'not shipped';
  }
  // What is sent is only written down here, and sent by what reads this table: a transaction cannot take a parcel back.
  db.prepare('INSERT OR IGNORE INTO shipments VALUES (?, ?)').run(...key);
  return 'ship';
}

async function statusFor(request) {
  if (request.method !== 'POST' || request.url !== '/hooks/tollgate') return 404;
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return 413;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (!isGenuine(request.headers, body)) return 400;
  const id = request.headers['webhook-id'];
  console.log(id, take(id, JSON.parse(body)));
  return 204;
}

createServer(async (request, response) => {
  const status = await statusFor(request).catch((error) => {
    console.error(error);
    return 500; // the gateway brings the event again
  });
  response.writeHead(status, status === 413 ? { connection: 'close' } : {}).end();
}).listen(Number(PORT), '127.0.0.1', () => console.log(`listening at http://127.0.0.1:${PORT}/hooks/tollgate`));
