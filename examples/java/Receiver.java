// A shop that receives Tollgate's events as a form, which Java reads without a library: proves each delivery genuine,
// takes each event once, ships an order once. Needs Java 11 or newer. Never answers 2xx before its own commit.
import com.sun.net.httpserver.*;
import java.io.IOException;
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.security.*;
import java.util.*;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import static java.nio.charset.StandardCharsets.*;

public class Receiver {
    static final int TOLERANCE_SECONDS = 300, BODY_BYTES_MAX = 1_000_000;
    /** Several, separated by spaces, while one takes another's place. */
    static final String[] SECRETS = System.getenv().getOrDefault("TOLLGATE_SECRET", "").split(" ");

    public static void main(String[] args) throws Exception {
        for (String secret : SECRETS) digest(secret, new byte[0]); // ends here when one is no secret
        Shop shop = new Shop(Path.of(System.getenv().getOrDefault("STORE", "shop.journal")));
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "3000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/hooks/tollgate", exchange -> {
            exchange.sendResponseHeaders(statusFor(exchange, shop), -1);
            exchange.close();
        });
        server.start();
    }

    static int statusFor(HttpExchange exchange, Shop shop) {
        try {
            byte[] body = exchange.getRequestBody().readNBytes(BODY_BYTES_MAX); // what is cut off is not genuine
            if (!isGenuine(exchange.getRequestHeaders(), body)) return 400;
            Map<String, String> fields = new HashMap<>(); // a servlet has them in request.getParameter
            for (String pair : new String(body, UTF_8).split("&")) {
                fields.put(pair.split("=")[0], URLDecoder.decode(pair.substring(pair.indexOf('=') + 1), UTF_8));
            }
            System.out.println(shop.take(exchange.getRequestHeaders().getFirst("webhook-id"), fields));
            return 204;
        } catch (Exception error) {
            error.printStackTrace();
            return 500; // the gateway brings the event again
        }
    }

    /** https://www.standardwebhooks.com: one of the signatures fits {id}.{timestamp}.{body}, bytes as they came. */
    static boolean isGenuine(Headers headers, byte[] body) throws GeneralSecurityException {
        String id = headers.getFirst("webhook-id"), timestamp = headers.getFirst("webhook-timestamp");
        String signatures = headers.getFirst("webhook-signature");
        if (id == null || signatures == null || timestamp == null || !timestamp.matches("[0-9]{1,12}")) return false;
        if (Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(timestamp)) > TOLERANCE_SECONDS) return false;
        byte[] head = (id + "." + timestamp + ".").getBytes(UTF_8);
        byte[] signed = ByteBuffer.allocate(head.length + body.length).put(head).put(body).array();
        for (String secret : SECRETS) {
            byte[] made = ("v1," + Base64.getEncoder().encodeToString(digest(secret, signed))).getBytes(UTF_8);
            for (String one : signatures.split(" ")) if (MessageDigest.isEqual(made, one.getBytes(UTF_8))) return true;
        }
        return false;
    }

    static byte[] digest(String secret, byte[] signed) throws GeneralSecurityException {
        if (!secret.startsWith("whsec_")) throw new IllegalStateException("TOLLGATE_SECRET: the origin's whsec_…");
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret.substring(6)), "HmacSHA256"));
        return mac.doFinal(signed);
    }
}

/** Stands in for your database. A line is one transaction: id, order, sequence, state, whether to ship, notes. */
class Shop {
    private final Path journal;
    private final Set<String> events = new HashSet<>(), shipped = new HashSet<>();
    private final Map<String, Long> sequences = new HashMap<>();
    private long committed; // bytes; a line without its end was never answered with 2xx

    Shop(Path journal) throws IOException {
        this.journal = journal;
        Files.write(journal, new byte[0], StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        String text = new String(Files.readAllBytes(journal), ISO_8859_1);
        committed = text.lastIndexOf('\n') + 1;
        text.substring(0, (int) committed).lines().forEach(this::remember);
    }

    synchronized String take(String id, Map<String, String> event) throws IOException {
        if (events.contains(id)) return id + " was seen before";
        for (String name : List.of("channel", "order_no", "sequence", "state")) Objects.requireNonNull(event.get(name));
        String order = URLEncoder.encode(event.get("channel") + "/" + event.get("order_no"), UTF_8);
        String type = event.get("event_type"), sequence = event.get("sequence"), state = event.get("state");
        boolean isLate = Long.parseLong(sequence) < sequences.getOrDefault(order, 0L);
        boolean isPaid = type.equals("payment.succeeded") && !isLate;
        // Nobody told the gateway the price of an order that was not registered: a person compares it.
        boolean ships = isPaid && state.equals("paid") && event.get("amount_checked").equals("1");
        String odd = event.getOrDefault("flags", "") + (isPaid && !ships ? ",not shipped" : "");
        // Only written down here, and sent by what reads this: a transaction cannot take a parcel back.
        String ship = ships && !shipped.contains(order) ? "ship" : "";
        String line = String.join("\t", id, order, sequence, state, ship, isLate ? "late " + type : odd);
        try (FileChannel file = FileChannel.open(journal, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(ISO_8859_1));
            file.truncate(committed).position(committed);
            while (bytes.hasRemaining()) file.write(bytes);
            file.force(true);
            committed = file.position();
            remember(line);
        }
        return line;
    }

    private void remember(String line) {
        String[] parts = line.split("\t", -1);
        events.add(parts[0]);
        sequences.merge(parts[1], Long.valueOf(parts[2]), Math::max);
        if (parts[4].equals("ship")) shipped.add(parts[1]);
    }
}
