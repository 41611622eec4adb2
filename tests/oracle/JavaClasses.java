import com.fasterxml.jackson.annotation.JsonAlias;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.annotation.JsonRawValue;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.net.URL;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.Collection;
import java.util.Currency;
import java.util.Date;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.avro.reflect.AvroName;
import org.apache.avro.reflect.Nullable;

/** Classes as people write them for topics: JavaClient.java writes and reads records of each. */
public class JavaClasses {
    // One field of each type, and one behind it: a value that is read too far or too short moves the next.
    public static class OfPlainBoolean { public boolean value; public String behind; }
    public static class OfPlainByte { public byte value; public String behind; }
    public static class OfPlainShort { public short value; public String behind; }
    public static class OfPlainInt { public int value; public String behind; }
    public static class OfPlainLong { public long value; public String behind; }
    public static class OfPlainFloat { public float value; public String behind; }
    public static class OfPlainDouble { public double value; public String behind; }
    public static class OfPlainChar { public char value; public String behind; }
    public static class OfBoolean { public Boolean value; public String behind; }
    public static class OfByte { public Byte value; public String behind; }
    public static class OfShort { public Short value; public String behind; }
    public static class OfInteger { public Integer value; public String behind; }
    public static class OfLong { public Long value; public String behind; }
    public static class OfFloat { public Float value; public String behind; }
    public static class OfDouble { public Double value; public String behind; }
    public static class OfCharacter { public Character value; public String behind; }
    public static class OfString { public String value; public String behind; }
    public static class OfBigDecimal { public BigDecimal value; public String behind; }
    public static class OfBigInteger { public BigInteger value; public String behind; }
    public static class OfURI { public URI value; public String behind; }
    public static class OfURL { public URL value; public String behind; }
    public static class OfUUID { public UUID value; public String behind; }
    public static class OfInstant { public Instant value; public String behind; }
    public static class OfLocalDate { public LocalDate value; public String behind; }
    public static class OfLocalTime { public LocalTime value; public String behind; }
    public static class OfLocalDateTime { public LocalDateTime value; public String behind; }
    public static class OfByteArray { public byte[] value; public String behind; }
    public static class OfByteBuffer { public ByteBuffer value; public String behind; }
    public static class OfColour { public Colour value; public String behind; }
    public static class OfSize { public Size value; public String behind; }
    public static class OfIntArray { public int[] value; public String behind; }
    public static class OfLongArray { public long[] value; public String behind; }
    public static class OfDoubleArray { public double[] value; public String behind; }
    public static class OfStringArray { public String[] value; public String behind; }
    public static class OfBooleanArray { public boolean[] value; public String behind; }
    public static class OfColourArray { public Colour[] value; public String behind; }
    public static class OfMoneyArray { public Money[] value; public String behind; }
    public static class OfListInteger { public List<Integer> value; public String behind; }
    public static class OfListString { public List<String> value; public String behind; }
    public static class OfListDouble { public List<Double> value; public String behind; }
    public static class OfListBoolean { public List<Boolean> value; public String behind; }
    public static class OfListColour { public List<Colour> value; public String behind; }
    public static class OfListMoney { public List<Money> value; public String behind; }
    public static class OfListListString { public List<List<String>> value; public String behind; }
    public static class OfListByteArray { public List<byte[]> value; public String behind; }
    public static class OfSetString { public Set<String> value; public String behind; }
    public static class OfSetLong { public Set<Long> value; public String behind; }
    public static class OfCollectionString { public Collection<String> value; public String behind; }
    public static class OfMapStringInteger { public Map<String, Integer> value; public String behind; }
    public static class OfMapStringString { public Map<String, String> value; public String behind; }
    public static class OfMapStringMoney { public Map<String, Money> value; public String behind; }
    public static class OfMapStringListLong { public Map<String, List<Long>> value; public String behind; }
    public static class OfMapIntegerString { public Map<Integer, String> value; public String behind; }
    public static class OfMapLongMoney { public Map<Long, Money> value; public String behind; }
    public static class OfMapColourInteger { public Map<Colour, Integer> value; public String behind; }
    public static class OfMoney { public Money value; public String behind; }
    public static class OfAddress { public Address value; public String behind; }
    public static class OfOptionalString { public Optional<String> value; public String behind; }
    public static class OfAtomicInteger { public AtomicInteger value; public String behind; }
    public static class OfAtomicLong { public AtomicLong value; public String behind; }
    public static class OfStringBuilder { public StringBuilder value; public String behind; }
    public static class OfCharSequence { public CharSequence value; public String behind; }
    public static class OfObject { public Object value; public String behind; }
    public static class OfNumber { public Number value; public String behind; }

    // Classes as people write them.
    public enum Colour { RED, GREEN, DARK_BLUE }
    public enum Size { SMALL { @Override public String toString() { return "small"; } }, LARGE { @Override public String toString() { return "large"; } } }
    public static class Money { public long cents; public String currency; }
    public static class Address { public String street; public String city; public Money rent; public Integer floor; }
    public static class PageView { public long timestamp; public long userId; public String url; public String referrer; public int width; public boolean isMobile; }
    public static class Search { public long timestamp; public String query; public int results; public List<String> filters; }
    public static class Order { public UUID id; public long customer; public List<OrderLine> lines; public Money total; public Address shipTo; public Colour label; }
    public static class OrderLine { public String sku; public int quantity; public double price; }
    public static class Return { public String order; public String reason; public Float share; public Instant at; }
    public static class Payment { public BigDecimal amount; public String method; public boolean accepted; public Map<String, String> details; }
    public static class Click { public double x; public double y; public float pressure; public short button; public byte modifiers; }
    public static class Login { public String user; public byte[] token; public LocalDate day; }
    public static class Stock { public Map<String, Integer> perWarehouse; public Set<String> reserved; }
    public static class Tree { public String name; public Tree left; public Tree right; }
    public static class Chain { public int number; public List<Chain> next; }
    public static class Base { public long id; public String createdBy; }
    public static class Derived extends Base { public String note; }
    public static class Deeper extends Derived { public Colour colour; public Integer rank; }
    public static class Hidden { private int count; private String label; public int getCount() { return count; } public void setCount(int count) { this.count = count; } public String getLabel() { return label; } public void setLabel(String label) { this.label = label; } }
    public static class Transient { public int kept; public transient int gone; public static int shared = 7; public String behind; }
    public static class Unicode { public String größe; public int число; public Colour 色; }
    public static class Underscores { public int _leading; public int trailing_; public int in_the_middle; }
    public static class Keywords { public String type; public String name; public String items; public String symbols; public String fields; public String namespace; }
    public static class Sql { public String select; public long timestamp; public LocalDate date; public int order; public String group; }
    public static class Ignored { public int kept; @JsonIgnore public String aside; public String behind; }
    @JsonInclude(JsonInclude.Include.NON_NULL) public static class NonNull { public String first; public Integer second; public List<String> third; }
    @JsonInclude(JsonInclude.Include.NON_DEFAULT) public static class NonDefault { public int first; public String second; public boolean third; }
    @JsonPropertyOrder({"third", "first"}) public static class Reordered { public int first; public int second; public int third; }
    public static class Annotated { @Nullable public String maybe; public String surely; @AvroName("other") public int renamed; }
    public static class Renamed { @JsonProperty("user_id") public long userId; public String behind; }
    public static class TwoOfOne { public Money first; public Money second; public List<Money> more; }
    public static class Wide { public int f0; public String f1; public Double f2; public long f3; public int f4; public String f5; public Double f6; public long f7; public int f8; public String f9; public Double f10; public long f11; public int f12; public String f13; public Double f14; public long f15; public int f16; public String f17; public Double f18; public long f19; public int f20; public String f21; public Double f22; public long f23; public int f24; public String f25; public Double f26; public long f27; public int f28; public String f29; public Double f30; public long f31; public int f32; public String f33; public Double f34; public long f35; public int f36; public String f37; public Double f38; public long f39; public int f40; public String f41; public Double f42; public long f43; public int f44; public String f45; public Double f46; public long f47; public int f48; public String f49; public Double f50; public long f51; public int f52; public String f53; public Double f54; public long f55; public int f56; public String f57; public Double f58; public long f59; }
    public static class Moments { public Instant instant; public LocalDate date; public LocalTime time; public LocalDateTime local; public List<LocalDate> days; }
    public static class Numbers { public byte a; public short b; public int c; public long d; public float e; public double f; public Byte g; public Short h; public Integer i; public Long j; public Float k; public Double l; }
    public static class Texts { public String a; public String b; public CharSequence c; public char d; public Character e; public URI f; }
    public static class Big { public BigDecimal a; public BigInteger b; public List<BigDecimal> c; public Map<String, BigDecimal> d; }
    public static class Matrix { public int[][] rows; public List<List<Double>> columns; public Map<String, Map<String, Integer>> cells; }
    public static class Bits { public boolean[] flags; public byte[] raw; public List<Boolean> more; }
    public static class Sensor { public String id; public float[] readings; public Map<String, Float> limits; public LocalDateTime at; }
    public static class Session { public UUID id; public Instant begun; public Instant ended; public List<PageView> views; }
    public static class Envelope { public Map<String, String> headers; public byte[] body; public Envelope inner; }
    public static class Audit { public String actor; public Map<String, List<String>> changes; public Set<Colour> colours; }
    public static class Constants { public static final String NAME = "x"; public final int fixed = 5; public int free; }
    public static class Getters { public int first; public String getComputed() { return "computed " + first; } }
    public static class Nested1 { public Nested2 next; } public static class Nested2 { public Nested3 next; } public static class Nested3 { public Nested4 next; } public static class Nested4 { public int leaf; public String text; }

    // Java's records.
    public record Point(int x, int y, String label) {}
    public record Trip(Point from, List<Point> stops, Colour colour, Map<String, Double> costs, Instant at) {}
    public static class OfPoint { public Point value; public String behind; }

    // Java's older and other moments, and values that are one text or number to Jackson.
    public static class OfDate { public Date value; public String behind; }
    public static class OfListDate { public List<Date> value; public String behind; }
    public static class OfSqlTimestamp { public java.sql.Timestamp value; public String behind; }
    public static class OfSqlDate { public java.sql.Date value; public String behind; }
    public static class OfCalendar { public Calendar value; public String behind; }
    public static class OfDuration { public Duration value; public String behind; }
    public static class OfOffsetDateTime { public OffsetDateTime value; public String behind; }
    public static class OfZonedDateTime { public ZonedDateTime value; public String behind; }
    public static class OfLocale { public Locale value; public String behind; }
    public static class OfCurrency { public Currency value; public String behind; }
    public static class OfPath { public java.nio.file.Path value; public String behind; }
    public static class OfClass { public Class<?> value; public String behind; }

    // Further arrays and collections.
    public static class OfShortArray { public short[] value; public String behind; }
    public static class OfFloatArray { public float[] value; public String behind; }
    public static class OfCharArray { public char[] value; public String behind; }
    public static class OfListCharacter { public List<Character> value; public String behind; }
    public static class OfMapCharacterLong { public Map<Character, Long> value; public String behind; }
    public static class OfMapStringCharacter { public Map<String, Character> value; public String behind; }
    public static class OfByteObjects { public Byte[] value; public String behind; }
    public static class OfIntegerObjects { public Integer[] value; public String behind; }
    public static class OfLinkedList { public LinkedList<String> value; public String behind; }
    public static class OfArrayList { public ArrayList<Long> value; public String behind; }
    public static class OfHashMap { public HashMap<String, Long> value; public String behind; }
    public static class OfTreeMap { public TreeMap<String, String> value; public String behind; }
    public static class OfEnumMap { public EnumMap<Colour, Integer> value; public String behind; }
    public static class OfEnumSet { public EnumSet<Colour> value; public String behind; }
    public static class OfIterable { public Iterable<String> value; public String behind; }
    public static class OfAtomicBoolean { public AtomicBoolean value; public String behind; }
    public static class OfOptionalInt { public OptionalInt value; public String behind; }

    // Generic classes.
    public static class Box<T> { public T value; public String label; }
    public static class BoxOfText extends Box<String> { public int count; }
    public static class BoxOfMoney extends Box<Money> { public int count; }
    public static class Shelf { public Box<Integer> one; public List<Box<String>> more; public int behind; }
    public static class Typed<T extends Number> { public T value; public List<T> values; public int behind; }

    // What Jackson is told by annotations.
    static class Sku { private String text; public Sku() {} @JsonCreator public Sku(String text) { this.text = text; } @JsonValue public String text() { return text; } }
    public static class Item { public Sku sku; public List<Sku> others; public int count; }
    public static class Formatted { @JsonFormat(shape = JsonFormat.Shape.STRING) public int number; public int behind; }
    public static class Unwrapped { @JsonUnwrapped public Money money; public int behind; }
    public static class AsText { @JsonSerialize(using = ToStringSerializer.class) public long id; public int behind; }
    public static class Aliased { @JsonAlias({"user", "person"}) public String owner; public int behind; }
    public enum Level { @JsonProperty("low") LOW, @JsonProperty("high") HIGH }
    public static class OfLevel { public Level value; public String behind; }
    public enum Grade { FIRST(1), SECOND(2); private final int number; Grade(int number) { this.number = number; } @JsonValue public int number() { return number; } }
    public static class OfGrade { public Grade value; public String behind; }
    public static class RawText { @JsonRawValue public String value; public int behind; }
    @JsonTypeInfo(use = JsonTypeInfo.Id.CLASS) public static class Polymorphic { public int value; public String behind; }

    private JavaClasses() {}
}
