//! Settings of the Hadoop client's folder that hdfs-native does not look at.

use std::path::PathBuf;

/// The permissions that files and directories are made without.
const UMASK: &str = "fs.permissions.umask-mode";
const DEFAULT_UMASK: u32 = 0o022;

/// The value of a setting in this folder, or where the HDFS client finds one; hdfs-site.xml is read after core-site.xml, and
/// of a setting that is there twice the last counts, as for hdfs-native.
pub(crate) fn setting(config_dir: Option<&str>, name: &str) -> Option<String> {
    let environment = |name| std::env::var_os(name).map(PathBuf::from);
    let folder = config_dir
        .map(PathBuf::from)
        .or_else(|| environment("HADOOP_CONF_DIR"))
        .or_else(|| environment("HADOOP_HOME").map(|home| home.join("etc/hadoop")))?;
    let in_file = |file| {
        let text = std::fs::read_to_string(folder.join(file)).ok()?;
        let document = roxmltree::Document::parse(&text).ok()?;
        let child = |property: roxmltree::Node<'_, '_>, name| {
            let found = property.children().find(|child| child.has_tag_name(name));
            found.and_then(|child| child.text()).unwrap_or_default().trim().to_owned()
        };
        let mut properties = document.descendants().filter(|node| node.has_tag_name("property")).rev();
        properties.find(|property| child(*property, "name") == name).map(|property| child(property, "value"))
    };
    ["hdfs-site.xml", "core-site.xml"].into_iter().find_map(in_file)
}

/// The umask: what Hadoop's own client takes from the permissions of what it makes.
///
/// # Errors
/// In words, when it is not octal: Hadoop knows symbols, too, which are not read here.
pub(crate) fn umask(config_dir: Option<&str>) -> Result<u32, String> {
    let Some(text) = setting(config_dir, UMASK) else { return Ok(DEFAULT_UMASK) };
    let is_octal = (1..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let mask = u32::from_str_radix(&text, 8).ok().filter(|mask| is_octal && *mask <= 0o777);
    mask.ok_or_else(|| format!("{UMASK} is `{text}`, and only octal digits are read, such as 027"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(file: &str, value: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let property = |value| format!("<property><name>{UMASK}</name><value>{value}</value></property>");
        let text = format!("<configuration>{}{}</configuration>", property("077"), property(value));
        std::fs::write(folder.path().join(file), text).unwrap();
        folder
    }

    #[test]
    fn the_umask_is_that_of_the_folder_and_hadoops_default_without_one() {
        let of = |file, value| umask(folder(file, value).path().to_str());
        assert_eq!(umask(tempfile::tempdir().unwrap().path().to_str()), Ok(0o022));
        assert_eq!(of("core-site.xml", " 027 "), Ok(0o027));
        assert_eq!(of("hdfs-site.xml", "0002"), Ok(0o002));
        for wrong in ["", "8", "u=rwx,g=rx,o=", "1777", "00022", "+22"] {
            let error = of("core-site.xml", wrong).unwrap_err();
            assert!(error.contains(&format!("`{wrong}`")) && error.contains("octal"), "{error}");
        }
    }
}
