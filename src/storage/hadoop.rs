//! The settings of a Hadoop client's folder, read as Hadoop's own client reads them: `Configuration.java` of Hadoop 3.4.2.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use roxmltree::{Document, Node, ParsingOptions};

/// In the order in which they are read.
const FILES: [&str; 2] = ["core-site.xml", "hdfs-site.xml"];
/// Whether clients prove who they are.
pub(crate) const AUTHENTICATION: &str = "hadoop.security.authentication";
/// The permissions that files and directories are made without.
const UMASK: &str = "fs.permissions.umask-mode";
const DEFAULT_UMASK: u32 = 0o022;
/// Variables within variables, as Hadoop bounds them.
const MOST_SUBSTITUTIONS: usize = 20;

/// The settings of a folder.
#[derive(Debug, Default)]
pub(crate) struct HadoopSettings {
    /// The folder, if there is one: that of `hdfsConfigDir`, `$HADOOP_CONF_DIR` or `$HADOOP_HOME/etc/hadoop`.
    pub(crate) folder: Option<PathBuf>,
    values: BTreeMap<String, String>,
}

impl HadoopSettings {
    /// Reads this folder, or the one that the environment names.
    ///
    /// # Errors
    /// In words, when a file cannot be read, or has something that this does not read.
    pub(crate) fn read(config_dir: Option<&str>) -> Result<Self, String> {
        let environment = |name| std::env::var_os(name).map(PathBuf::from);
        let folder = config_dir
            .map(PathBuf::from)
            .or_else(|| environment("HADOOP_CONF_DIR"))
            .or_else(|| environment("HADOOP_HOME").map(|home| home.join("etc/hadoop")));
        let mut settings = HadoopSettings { folder, values: BTreeMap::new() };
        let mut finals = BTreeSet::new();
        let paths: Vec<_> = FILES.iter().filter_map(|file| Some(settings.folder.as_ref()?.join(file))).collect();
        for path in paths.iter().filter(|path| path.exists()) {
            let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
            let added = text.and_then(|text| settings.add(&text, &mut finals));
            added.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(settings)
    }

    /// The settings of one file's text.
    #[cfg(fuzzing)]
    pub(crate) fn of(text: &str) -> Result<Self, String> {
        let mut settings = HadoopSettings::default();
        settings.add(text, &mut BTreeSet::new())?;
        Ok(settings)
    }

    /// Adds a file's properties. Of one that is there twice the last counts, or the first that is final.
    fn add(&mut self, text: &str, finals: &mut BTreeSet<String>) -> Result<(), String> {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
        if document.descendants().any(|node| node.tag_name().name() == "include") {
            return Err(
                "it includes another file (xi:include), which is not read; write its properties here".to_owned()
            );
        }
        for property in document.descendants().filter(|node| node.has_tag_name("property")) {
            let Some(name) = part(property, "name") else { continue };
            let Some(value) = part(property, "value") else { continue };
            if !finals.contains(&name) {
                if part(property, "final").as_deref() == Some("true") {
                    finals.insert(name.clone());
                }
                self.values.insert(name, value);
            }
        }
        Ok(())
    }

    /// A setting's value without blanks around it and with its variables replaced; none where it is not set.
    ///
    /// # Errors
    /// In words, when nobody defines one of its variables.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.values.get(name) else { return Ok(None) };
        match self.expanded(value)? {
            (value, None) => Ok(Some(value)),
            (_, Some(variable)) => Err(format!(
                "{name} in {} has the variable ${{{variable}}}, and no setting and no environment variable defines it (Java's system \
                 properties are not known here); write the value itself",
                self.place()
            )),
        }
    }

    /// The values of a setting that is a list, without blanks around them.
    ///
    /// # Errors
    /// As [`HadoopSettings::get`].
    pub(crate) fn list(&self, name: &str) -> Result<Vec<String>, String> {
        let value = self.get(name)?.unwrap_or_default();
        Ok(value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
    }

    /// The names of all settings that begin so.
    pub(crate) fn names<'a>(&'a self, begin: &'a str) -> impl Iterator<Item = &'a str> {
        self.values.keys().map(String::as_str).filter(move |name| name.starts_with(begin))
    }

    /// All settings, without those that are empty. A variable that nobody defines stays as it is.
    ///
    /// # Errors
    /// In words, when variables lead through too many others.
    pub(crate) fn all(&self) -> Result<BTreeMap<String, String>, String> {
        let mut all = BTreeMap::new();
        for (name, value) in &self.values {
            let (value, _) = self.expanded(value)?;
            if !value.is_empty() {
                all.insert(name.clone(), value);
            }
        }
        Ok(all)
    }

    /// Where the settings are, in words.
    pub(crate) fn place(&self) -> String {
        self.folder.as_ref().map_or("the Hadoop client's folder".to_owned(), |folder| folder.display().to_string())
    }

    /// A value with its variables replaced, from the innermost on, and the first that nobody defines.
    fn expanded(&self, value: &str) -> Result<(String, Option<String>), String> {
        let mut text = value.to_owned();
        for _ in 0..MOST_SUBSTITUTIONS {
            let Some((begin, end)) = variable(&text) else { return Ok((text, None)) };
            let name = &text[begin + 2..end];
            let Some(found) = self.defined(name) else {
                let name = name.to_owned();
                return Ok((text, Some(name)));
            };
            text.replace_range(begin..=end, found.trim());
        }
        Err(format!("`{value}` in {} leads through more than {MOST_SUBSTITUTIONS} variables", self.place()))
    }

    /// What a variable stands for: `env.NAME` for one of the environment, with a default after `-` (when it is not set) or `:-`
    /// (when it is empty, too); any other for a setting.
    fn defined(&self, name: &str) -> Option<String> {
        let Some(name) = name.strip_prefix("env.") else { return self.values.get(name).cloned() };
        let (name, default) = name.split_once('-').map_or((name, None), |(name, default)| (name, Some(default)));
        let (name, or_empty) = name.strip_suffix(':').map_or((name, false), |name| (name, true));
        let value = std::env::var(name).ok().filter(|value| !(or_empty && value.is_empty()));
        value.or_else(|| default.map(str::to_owned))
    }
}

/// A part of a property: an element in it, or an attribute. An element without a text is empty.
fn part(property: Node<'_, '_>, name: &str) -> Option<String> {
    let element = property.children().find(|child| child.has_tag_name(name));
    let text = element.map(|element| element.children().filter_map(|child| child.text()).collect::<String>());
    text.or_else(|| property.attribute(name).map(str::to_owned)).map(|text| text.trim().to_owned())
}

/// Where the first variable is that has none within it: from its `$` to its `}`.
fn variable(text: &str) -> Option<(usize, usize)> {
    text.match_indices("${").find_map(|(begin, _)| {
        let end = begin + text[begin..].find('}')?;
        let name = &text[begin + 2..end];
        (!name.is_empty() && !name.contains(['$', ' '])).then_some((begin, end))
    })
}

/// The umask: what Hadoop's own client takes from the permissions of what it makes.
///
/// # Errors
/// In words, when it is not octal: Hadoop knows symbols, too, which are not read here.
pub(crate) fn umask(settings: &HadoopSettings) -> Result<u32, String> {
    let Some(text) = settings.get(UMASK)? else { return Ok(DEFAULT_UMASK) };
    let is_octal = (1..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let mask = u32::from_str_radix(&text, 8).ok().filter(|mask| is_octal && *mask <= 0o777);
    mask.ok_or_else(|| format!("{UMASK} is `{text}`, and only octal digits are read, such as 027"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A folder with these files, whose texts are properties.
    pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (file, properties) in files {
            std::fs::write(folder.path().join(file), format!("<configuration>{properties}</configuration>")).unwrap();
        }
        folder
    }

    /// A property.
    pub(crate) fn property(name: &str, value: &str) -> String {
        format!("<property><name>{name}</name><value>{value}</value></property>")
    }

    /// The settings of a hdfs-site.xml with these properties.
    pub(crate) fn settings(properties: &str) -> HadoopSettings {
        let folder = folder(&[("hdfs-site.xml", properties)]);
        HadoopSettings::read(folder.path().to_str()).unwrap()
    }

    #[test]
    fn the_umask_is_that_of_the_folder_and_hadoops_default_without_one() {
        let of = |file, value: &str| {
            let folder = folder(&[(file, &(property(UMASK, "077") + &property(UMASK, value)))]);
            umask(&HadoopSettings::read(folder.path().to_str()).unwrap())
        };
        assert_eq!(umask(&settings("")), Ok(0o022));
        assert_eq!(of("core-site.xml", " 027 "), Ok(0o027));
        assert_eq!(of("hdfs-site.xml", "0002"), Ok(0o002));
        for wrong in ["", "8", "u=rwx,g=rx,o=", "1777", "00022", "+22"] {
            let error = of("core-site.xml", wrong).unwrap_err();
            assert!(error.contains(&format!("`{wrong}`")) && error.contains("octal"), "{error}");
        }
    }

    #[test]
    fn names_and_values_are_trimmed_and_lists_may_have_blanks_and_line_breaks() {
        let found =
            settings(&(property("\n a \n", "\n x \n") + &property("b", " nn1,\n  nn2 ,, ") + "<!-- <property/> -->"));
        assert_eq!(found.get("a"), Ok(Some("x".to_owned())));
        assert_eq!(found.list("b").unwrap(), ["nn1", "nn2"]);
        assert_eq!((found.get("c"), found.list("c")), (Ok(None), Ok(Vec::new())));
    }

    #[test]
    fn variables_are_settings_or_of_the_environment_and_others_are_named() {
        let path = std::env::var("PATH").unwrap();
        for (value, expected) in [
            ("hdfs://${host}:${port}", "hdfs://nn:9000".to_owned()),
            ("${by-${which}}", "inner".to_owned()),
            ("${env.PATH}", path.trim().to_owned()),
            ("${env.NOT_SET_HERE-a}${env.NOT_SET_HERE:-b}", "ab".to_owned()),
            ("a ${} ${b c} $d", "a ${} ${b c} $d".to_owned()),
        ] {
            let others = property("host", "nn") + &property("port", " 9000 ");
            let others = others + &property("which", "one") + &property("by-one", "inner");
            assert_eq!(settings(&(others + &property("v", value))).get("v"), Ok(Some(expected)), "{value}");
        }
        for unknown in ["user.name", "env.NOT_SET_HERE"] {
            let found = settings(&property("v", &format!("${{{unknown}}}")));
            let error = found.get("v").unwrap_err();
            assert!(error.contains(unknown) && error.contains("write the value itself"), "{error}");
            assert_eq!(found.all().unwrap()["v"], format!("${{{unknown}}}"), "the others go on");
        }
        let endless = settings(&(property("a", "${b}") + &property("b", "${a}")));
        assert!(endless.get("a").unwrap_err().contains("more than 20 variables"));
    }

    #[test]
    fn of_a_setting_that_is_there_twice_the_last_counts_or_the_first_that_is_final() {
        let last = "<property name=\"a\" value=\"attribute\"/>".to_owned() + &property("b", "later");
        let first = property("a", "1") + "<property><name>b</name><value>first</value><final>true</final></property>";
        let folder = folder(&[("core-site.xml", &first), ("hdfs-site.xml", &last)]);
        let found = HadoopSettings::read(folder.path().to_str()).unwrap();
        assert_eq!(found.get("a"), Ok(Some("attribute".to_owned())));
        assert_eq!(found.get("b"), Ok(Some("first".to_owned())));
    }

    #[test]
    fn a_file_that_is_no_xml_and_one_that_includes_another_are_refused_by_name() {
        let of = |text: &str| {
            let folder = folder(&[("hdfs-site.xml", text)]);
            HadoopSettings::read(folder.path().to_str()).unwrap_err()
        };
        assert!(of("<property>").contains("hdfs-site.xml: "));
        let include = "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"more.xml\"/>";
        assert!(of(include).contains("hdfs-site.xml: it includes another file (xi:include)"));
    }
}
