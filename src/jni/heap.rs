//! The C library's heap, in which Rust's memory lies beside the JVM's own.

/// Whoever runs the JVM has decided otherwise.
#[cfg(target_env = "gnu")]
const OWN_SETTINGS: [&str; 3] = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"];

/// Has the C library give large buffers back as soon as they are freed, as musl's does by itself.
///
/// glibc does so only until the first is freed: from then on such buffers lie among the small ones (mallopt(3), "dynamic mmap
/// threshold"), and what a burst of commits took stays with the process. The records of a full hand-over, of a mebibyte, are below
/// that: they come again and again, and each page of a new buffer costs a fault, 13% of the library's time when they were not.
pub(super) fn give_back_large_buffers() {
    #[cfg(target_env = "gnu")]
    if OWN_SETTINGS.iter().all(|name| std::env::var_os(name).is_none()) {
        const FROM: libc::c_int = (1 << 20) + (64 << 10);
        // SAFETY: two numbers are set, under the C library's own lock.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, FROM);
            // The C library's own rule: twice the other one.
            libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * FROM);
        }
    }
}
