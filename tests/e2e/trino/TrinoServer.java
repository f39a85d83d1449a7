// Starts the server: what Trino's own trino-server-main does, whose artifact Maven Central lacks.
public final class TrinoServer {
    private TrinoServer() {}

    public static void main(String[] arguments) {
        new io.trino.server.Server() {}.start(arguments[0]);
    }
}
