import java.io.BufferedWriter;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Runs statements through Hive's JDBC driver, in one session, and prints each row of their results as a line of JSON: an
 * array of strings and nulls, so that no two values look alike. Arguments: the JDBC URL, then the statements.
 */
public final class HiveSql {
    private HiveSql() {}

    public static void main(String[] arguments) throws IOException {
        FileOutputStream output = new FileOutputStream(FileDescriptor.out);
        try (Writer out = new BufferedWriter(new OutputStreamWriter(output, StandardCharsets.UTF_8));
                Connection connection = DriverManager.getConnection(arguments[0], "hive", "");
                Statement statement = connection.createStatement()) {
            for (int i = 1; i < arguments.length; i++) {
                if (statement.execute(arguments[i])) {
                    print(statement.getResultSet(), out);
                }
            }
        } catch (SQLException error) {
            // The rest of the message is the server's stack.
            System.err.println(String.valueOf(error.getMessage()).split("\n\tat ", 2)[0]);
            System.exit(1);
        }
    }

    private static void print(ResultSet rows, Writer out) throws SQLException, IOException {
        int columns = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            out.write('[');
            for (int column = 1; column <= columns; column++) {
                if (column > 1) {
                    out.write(',');
                }
                value(rows.getString(column), out);
            }
            out.write("]\n");
        }
        rows.close();
    }

    private static void value(String text, Writer out) throws IOException {
        if (text == null) {
            out.write("null");
            return;
        }
        out.write('"');
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.write('\\');
                out.write(c);
            } else if (c < ' ') {
                out.write(String.format("\\u%04x", (int) c));
            } else {
                out.write(c);
            }
        }
        out.write('"');
    }
}
