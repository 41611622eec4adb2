//! Avro schemas of any text: none panics or takes more memory than its length allows, and one that apache-avro reads is refused
//! only for what Hive cannot hold.

#![no_main]

use apache_avro::Schema;
use hdfs_csv_fuzz::bounds::within;
use hdfs_csv_fuzz::connector::{Rows, info};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A node of JSON in a tree takes some hundred bytes, and there are three trees and a list of types.
    let most = (64 << 10) + 4_096 * text.len();
    let avro = within(most, || Rows::of(&info("AVRO", text)));
    let json = within(most, || Rows::of(&info("JSON", text)));
    assert_eq!(avro.as_ref().err(), json.as_ref().err());
    match avro {
        Ok(rows) => {
            // Nothing, and many zeros.
            for payload in [&[][..], &[0; 64]] {
                let _ = within(1 << 22, || rows.encode(None, payload));
            }
            let _ = within(1 << 22, || json.expect("as Avro it is right").encode(None, b"{}"));
        }
        Err(why) => {
            let is_of_hive = ["no fields", "differ only in case", "two fields become", "cannot be held"];
            let is_refused = is_of_hive.iter().any(|words| why.contains(words));
            assert!(is_refused || Schema::parse_str(text).is_err(), "{why}");
        }
    }
});
