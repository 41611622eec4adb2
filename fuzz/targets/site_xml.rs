//! `*-site.xml` of any bytes, and of any settings rightly written: the last value of a name is found, or
//! the first that is final.

#![no_main]

use hdfs_csv_fuzz::bounds::within;
use hdfs_csv_fuzz::choices::Choices;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::fuzzing::setting;

const NAMES: [&str; 3] = ["fs.defaultFS", "fs.permissions.umask-mode", "x"];

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let choice = choices.byte();
    if choice & 1 == 0 {
        if let Ok(text) = std::str::from_utf8(choices.0) {
            let name = NAMES[usize::from(choice >> 1) % NAMES.len()];
            let found = within((16 << 10) + 512 * text.len(), || setting(text, name));
            match found {
                Ok(value) => assert!(value.is_none_or(|value| value.trim() == value)),
                Err(error) => assert!(!error.is_empty()),
            }
        }
        return;
    }
    let mut text = "<?xml version=\"1.0\"?><configuration>".to_owned();
    let mut counts = [const { None }; 3];
    let mut are_final = [false; 3];
    while !choices.is_empty() {
        let (at, style) = (choices.below(NAMES.len()), choices.byte());
        let value: String = choices.text().chars().filter(|sign| is_of_xml(*sign)).collect();
        let blank = ["", " ", "\n\t", " <!-- a comment --> "][usize::from(style & 3)];
        let written = if style & 4 == 0 || value.contains("]]>") || value.is_empty() {
            escaped(&value)
        } else {
            format!("<![CDATA[{value}]]>")
        };
        let inner = if style & 8 == 0 { "" } else { "<final>true</final>" };
        text += &format!(
            "<property>{blank}<name>{}</name>{inner}<value>{written}</value>{blank}</property>{blank}",
            NAMES[at]
        );
        if !are_final[at] {
            counts[at] = Some(value.trim().to_owned());
            are_final[at] = style & 8 != 0;
        }
    }
    text += "</configuration>";
    let has_variables = text.contains("${");
    for (name, value) in NAMES.iter().zip(counts) {
        let found = setting(&text, name);
        // What they stand for is looked at by unit tests.
        if !has_variables {
            assert_eq!(found, Ok(value), "{name} in {text}");
        }
    }
});

/// Line ends are another matter: XML makes them alike.
fn is_of_xml(sign: char) -> bool {
    !sign.is_control() && !matches!(sign, '\u{fffe}' | '\u{ffff}')
}

fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace("]]>", "]]&gt;")
}
