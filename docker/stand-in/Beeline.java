import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** What the stack uses of Hive's beeline, which Maven lacks here: {@code -u URL -n USER}, and {@code -e SQL} or {@code -f FILE}. */
final class Beeline {
    public static void main(String[] arguments) throws Exception {
        String url = "";
        String user = "";
        String script = "";
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "-u" -> url = arguments[++i];
                case "-n" -> user = arguments[++i];
                case "-e" -> script = arguments[++i];
                case "-f" -> script = Files.readString(Path.of(arguments[++i]));
                default -> {} // How rows are shown.
            }
        }
        try (var connection = DriverManager.getConnection(url, user, "");
                var statement = connection.createStatement()) {
            for (String sql : statements(script)) {
                if (statement.execute(sql)) {
                    print(statement.getResultSet());
                }
            }
        } catch (SQLException error) {
            System.err.println(error.getMessage());
            System.exit(2);
        }
    }

    /** Statements end with a semicolon at a line's end; lines that begin with -- are comments. */
    private static List<String> statements(String script) {
        List<String> statements = new ArrayList<>();
        StringBuilder statement = new StringBuilder();
        for (String line : (script + "\n;").split("\n")) {
            if (line.startsWith("--")) {
                continue;
            }
            if (!line.stripTrailing().endsWith(";")) {
                statement.append(line).append('\n');
                continue;
            }
            statement.append(line.stripTrailing().replaceAll(";$", ""));
            if (!statement.toString().isBlank()) {
                statements.add(statement.toString());
            }
            statement.setLength(0);
        }
        return statements;
    }

    private static void print(ResultSet rows) throws SQLException {
        int columns = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            StringBuilder line = new StringBuilder();
            for (int column = 1; column <= columns; column++) {
                line.append(column == 1 ? "" : "\t").append(rows.getString(column));
            }
            System.out.println(line);
        }
    }
}
