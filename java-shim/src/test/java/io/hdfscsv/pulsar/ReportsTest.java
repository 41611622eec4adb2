package io.hdfscsv.pulsar;

import static org.mockito.ArgumentMatchers.anyDouble;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.verifyNoMoreInteractions;
import static org.mockito.Mockito.when;

import org.apache.pulsar.io.core.SinkContext;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;

class ReportsTest {
    private final FakeNative library = new FakeNative();
    private final SinkContext context = mock(SinkContext.class);
    private final Logger logger = mock(Logger.class);
    private Reports reports;

    @BeforeEach
    void open() {
        when(context.getLogger()).thenReturn(logger);
        reports = new Reports(library, context);
    }

    @Test
    void given_log_lines_when_reported_then_each_goes_to_its_level() {
        library.logs.add(
                "[{\"level\":\"ERROR\",\"target\":\"a\",\"message\":\"1 {}\"},"
                        + "{\"level\":\"WARN\",\"target\":\"b\",\"message\":\"2\"},"
                        + "{\"level\":\"INFO\",\"target\":\"c\",\"message\":\"3\"},"
                        + "{\"level\":\"DEBUG\",\"target\":\"d\",\"message\":\"4\"},"
                        + "{\"level\":\"TRACE\",\"target\":\"e\",\"message\":\"5\"}]");
        reports.logs();
        reports.logs();
        verify(logger).error("{}: {}", "a", "1 {}");
        verify(logger).warn("{}: {}", "b", "2");
        verify(logger).info("{}: {}", "c", "3");
        verify(logger).debug("{}: {}", "d", "4");
        verify(logger).trace("{}: {}", "e", "5");
        verifyNoMoreInteractions(logger);
    }

    @Test
    void given_metrics_when_reported_then_the_sum_of_what_is_told_is_their_value() {
        library.metrics = "{\"rows_total\":5,\"open_files\":2}";
        reports.metrics();
        library.metrics = "{\"rows_total\":8,\"open_files\":7}";
        reports.metrics();
        reports.metrics();
        library.metrics = "{\"rows_total\":8,\"open_files\":1}";
        reports.metrics();
        reports.end();
        verify(context).recordMetric("rows_total", 5);
        verify(context).recordMetric("rows_total", 3);
        for (double change : new double[] {2, 5, 0, -6, -1}) {
            verify(context).recordMetric("open_files", change);
        }
        verify(context, times(7)).recordMetric(anyString(), anyDouble());
    }
}
