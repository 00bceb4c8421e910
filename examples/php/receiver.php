<?php
// A shop that receives Tollgate's events: proves each delivery genuine, takes each event once, ships an order once.
// Needs PHP 8.0 or newer with pdo_sqlite, and nothing to install. Never answers 2xx before its own commit.
declare(strict_types=1);

const TOLERANCE_SECONDS = 300;
const BODY_BYTES_MAX = 1000000;

http_response_code(500); // until all went well: PHP itself may answer 200 after an error, and the event would be lost
ini_set('display_errors', '0');
set_error_handler(function (int $level, string $message, string $file, int $line): bool {
    throw new ErrorException($message, 0, $level, $file, $line); // a field that is missing is no null
});

if ($_SERVER['REQUEST_METHOD'] !== 'POST' || $_SERVER['REQUEST_URI'] !== '/hooks/tollgate') {
    http_response_code(404);
    exit;
}
$body = (string) file_get_contents('php://input', false, null, 0, BODY_BYTES_MAX); // what is cut off is not genuine
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
if (!isGenuine($id, $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '', $body)) {
    http_response_code(400);
    exit;
}
error_log($id . ' ' . take($id, json_decode($body, true, 512, JSON_THROW_ON_ERROR)));
http_response_code(204);

/** https://www.standardwebhooks.com: one of the signatures fits {id}.{timestamp}.{body}, bytes as they came. */
function isGenuine(string $id, string $timestamp, string $signatures, string $body): bool
{
    $isTime = preg_match('/^[0-9]{1,12}$/D', $timestamp) === 1;
    if ($id === '' || !$isTime || abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    foreach (explode(' ', $signatures) as $part) {
        [$version, $text] = explode(',', $part, 2) + [1 => ''];
        $signature = (string) base64_decode($text, true);
        // Several, separated by spaces, while one takes another's place.
        foreach (explode(' ', (string) getenv('TOLLGATE_SECRET')) as $secret) {
            if (fits($secret, $version, "$id.$timestamp.$body", $signature)) {
                return true;
            }
        }
    }
    return false;
}

function fits(string $secret, string $version, string $signed, string $signature): bool
{
    [$kind, $text] = explode('_', $secret, 2) + [1 => ''];
    $key = (string) base64_decode($text, true);
    if ($kind === 'whsec' && strlen($key) >= 24) {
        return $version === 'v1' && hash_equals(hash_hmac('sha256', $signed, $key, true), $signature);
    }
    if ($kind === 'whpk' && strlen($key) === SODIUM_CRYPTO_SIGN_PUBLICKEYBYTES) {
        return $version === 'v1a' && strlen($signature) === SODIUM_CRYPTO_SIGN_BYTES
            && sodium_crypto_sign_verify_detached($signature, $signed, $key);
    }
    throw new RuntimeException('Set TOLLGATE_SECRET to the whsec_… or whpk_… of the origin.');
}

function store(): PDO
{
    $db = new PDO('sqlite:' . (getenv('STORE') ?: 'shop.db'));
    $db->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    $db->setAttribute(PDO::ATTR_TIMEOUT, 3);
    $db->exec('CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY NOT NULL);
        CREATE TABLE IF NOT EXISTS orders (channel TEXT NOT NULL, order_no TEXT NOT NULL, sequence INTEGER NOT NULL,
            state TEXT NOT NULL, PRIMARY KEY (channel, order_no));
        CREATE TABLE IF NOT EXISTS shipments (channel TEXT NOT NULL, order_no TEXT NOT NULL,
            PRIMARY KEY (channel, order_no));
        CREATE TABLE IF NOT EXISTS notes (channel TEXT NOT NULL, order_no TEXT NOT NULL, note TEXT NOT NULL,
            PRIMARY KEY (channel, order_no, note))');
    return $db;
}

/** One transaction: that the event is known, and all that it changes. Left by an error, it ends with the connection. */
function take(string $id, array $event): string
{
    $db = store();
    $db->exec('BEGIN IMMEDIATE');
    $outcome = record($db, $id, $event);
    $db->exec('COMMIT');
    return $outcome;
}

function record(PDO $db, string $id, array $event): string
{
    ['type' => $type, 'data' => ['channel' => $channel, 'sequence' => $sequence, 'order' => $order]] = $event;
    $key = [$channel, $order['orderNo']];
    $run = function (string $sql, array $values) use ($db): PDOStatement {
        $statement = $db->prepare($sql);
        $statement->execute($values);
        return $statement;
    };
    $note = fn (string $text) => $run('INSERT OR IGNORE INTO notes VALUES (?, ?, ?)', [...$key, $text]);
    if ($run('INSERT OR IGNORE INTO events VALUES (?)', [$id])->rowCount() === 0) {
        return 'seen before';
    }
    $known = $run('SELECT sequence FROM orders WHERE channel = ? AND order_no = ?', $key)->fetchColumn();
    if ($known !== false && $sequence < (int) $known) {
        $note("late $type"); // for a person: what came after it knew more
        return 'older than what is known';
    }
    $run('REPLACE INTO orders VALUES (?, ?, ?, ?)', [...$key, $sequence, $order['state']]);
    array_map($note, $order['flags']);
    if ($type !== 'payment.succeeded') {
        return 'noted';
    }
    // Nobody told the gateway the price of an order that was not registered: a person compares it.
    if (!$order['amountChecked'] || $order['state'] !== 'paid') {
        $note('not shipped');
        return 'not shipped';
    }
    // Only written down here, and sent by what reads this table: a transaction cannot take a parcel back.
    $run('INSERT OR IGNORE INTO shipments VALUES (?, ?)', $key);
    return 'ship';
}
