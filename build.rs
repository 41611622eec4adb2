//! The library stays mapped until the JVM ends: threads and thread-local values may outlive a class loader.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
