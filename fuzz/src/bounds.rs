//! Bounds on memory. That on time is libFuzzer's `-timeout`.

/// Does some work that may hold so many bytes at a time.
///
/// # Panics
/// When it holds more.
pub fn within<T>(most: usize, work: impl FnOnce() -> T) -> T {
    let mut done = None;
    let used = allocation_counter::measure(|| done = Some(work()));
    assert!(used.bytes_max <= most as u64, "{} bytes were held at a time, and {most} are allowed", used.bytes_max);
    done.expect("the work was done")
}
