package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AnswersTest implements Answers.Receiver {
    private final FakeNative library = new FakeNative();
    private final Answers answers = new Answers(library, 64);
    private final List<String> commits = new ArrayList<>();
    private final List<DeadLetter> letters = new ArrayList<>();
    private final Map<Integer, Gap> gaps = new HashMap<>();
    private final Map<Integer, Boolean> pauses = new HashMap<>();
    private final Map<Integer, Division> sentAgain = new HashMap<>();

    @Override
    public void committed(int sourcePartition, long handOver) {
        commits.add(sourcePartition + "@" + handOver);
    }

    @Override
    public void deadLetter(DeadLetter letter) {
        letters.add(letter);
    }

    @Override
    public void gap(int sourcePartition, Gap gap) {
        gaps.put(sourcePartition, gap);
    }

    @Override
    public void pause(int sourcePartition, boolean paused) {
        pauses.put(sourcePartition, paused);
    }

    @Override
    public void sendAgain(int sourcePartition, Division division) {
        sentAgain.put(sourcePartition, division);
    }

    @Test
    void given_source_partitions_to_be_sent_again_when_fetched_then_each_is_told() {
        library.answers.add(
                AnswerBytes.join(
                        AnswerBytes.sendAgain(3, null),
                        AnswerBytes.sendAgain(4, new Division(1, 7)),
                        AnswerBytes.committed(1, 5)));
        answers.fetch(this);
        assertEquals(Set.of(3, 4), sentAgain.keySet());
        assertNull(sentAgain.get(3));
        assertEquals(new Division(1, 7), sentAgain.get(4));
        assertEquals(List.of("1@5"), commits);
    }

    @Test
    void given_pauses_when_fetched_then_each_says_whether() {
        library.answers.add(
                AnswerBytes.join(AnswerBytes.pause(3, true), AnswerBytes.pause(4, false)));
        answers.fetch(this);
        assertEquals(Map.of(3, true, 4, false), pauses);
    }

    @Test
    void given_gaps_when_fetched_then_they_have_both_ends_or_no_beginning() {
        library.answers.add(
                AnswerBytes.join(AnswerBytes.gap(3, 8, null, 7), AnswerBytes.gap(4, 9, 5, 7)));
        answers.fetch(this);
        assertEquals(
                Map.of(3, new Gap(8, false, 0, 0, 1, 7), 4, new Gap(9, true, 1, 5, 1, 7)), gaps);
    }

    @Test
    void given_several_answers_in_several_fetches_when_fetched_then_all_come_in_order() {
        library.answers.add(
                AnswerBytes.join(
                        AnswerBytes.committed(1, 5), AnswerBytes.committed(2, 0xffffffffffL)));
        library.answers.add(AnswerBytes.committed(1, 6));
        answers.fetch(this);
        assertEquals(List.of("1@5", "2@1099511627775", "1@6"), commits);
    }

    @Test
    void given_no_answer_when_fetched_then_nothing_comes() {
        answers.fetch(this);
        assertEquals(List.of(), commits);
        assertEquals(64, answers.capacity());
    }

    @Test
    void given_an_answer_larger_than_the_buffer_when_fetched_then_the_buffer_grows() {
        byte[] payload = new byte[100_000];
        payload[99_999] = 42;
        byte[] answer =
                AnswerBytes.deadLetter(
                        3,
                        4,
                        9,
                        "schlecht: ü",
                        new byte[] {1, 0, -1},
                        "{\"a\":\"ü\",\"b\":\"\"}",
                        payload);
        library.answers.add(answer);
        library.answers.add(AnswerBytes.committed(1, 6));
        answers.fetch(this);

        assertEquals(answer.length, answers.capacity());
        assertEquals(List.of("1@6"), commits);
        DeadLetter letter = letters.get(0);
        assertEquals(3, letter.sourcePartition());
        assertEquals(4, letter.schema());
        assertEquals(9, letter.number());
        assertEquals(List.of(11L, 12L), List.of(letter.ledger(), letter.entry()));
        assertEquals(13, letter.batchIndex());
        assertEquals(14, letter.eventTime());
        assertTrue(letter.keyIsBytes());
        assertEquals("schlecht: ü", letter.reason());
        assertArrayEquals(new byte[] {1, 0, -1}, letter.key());
        assertEquals(Map.of("a", "ü", "b", ""), letter.properties());
        assertArrayEquals(payload, letter.payload());
    }

    @Test
    void given_a_dead_letter_without_key_and_properties_when_fetched_then_they_are_absent() {
        library.answers.add(AnswerBytes.deadLetter(3, -1, 9, "", null, null, new byte[0]));
        answers.fetch(this);
        assertNull(letters.get(0).key());
        assertEquals(Map.of(), letters.get(0).properties());
        assertEquals(0, letters.get(0).payload().length);
    }

    @Test
    void given_bytes_that_are_no_answer_when_fetched_then_an_error_says_so() {
        byte[] unknown = AnswerBytes.committed(1, 2);
        unknown[4] = 99;
        byte[] tooLong = AnswerBytes.committed(1, 2);
        tooLong[0] = 25;
        for (byte[] wrong : List.of(unknown, tooLong, new byte[8], new byte[3])) {
            library.answers.add(wrong);
            assertThrows(HdfsCsvException.class, () -> answers.fetch(this));
        }
    }
}
