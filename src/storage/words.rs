//! What an error of hdfs-native (0.14.8) means, in words for somebody who can do something about it, and without secrets.

use std::borrow::Cow;

use hdfs_native::HdfsError;

use crate::storage::identity;

/// What comes before a token in a request to a key management server.
const TOKEN: &str = "delegation=";
/// A part of what hdfs-native or a key management server (Hadoop 3.4.2) says, and what it means.
const MEANINGS: [(&str, &str); 6] = [
    (
        "is not authorized to perform [DECRYPT_EEK]",
        "the key management server does not let this user read the key of the encryption zone; give it DECRYPT_EEK in kms-acls.xml",
    ),
    (
        "no KMS provider is configured",
        "hadoop.security.key.provider.path has to be in core-site.xml of the Hadoop client's folder; what the NameNode says is not asked",
    ),
    (
        "KMS HTTP error",
        "the key management server of hadoop.security.key.provider.path does not answer; nothing can be encrypted until it does",
    ),
    (
        "Failed to build KMS HTTP client",
        "no certificates are believed here; install ca-certificates, or name a PEM file in SSL_CERT_FILE",
    ),
    (
        "KMS rejected SPNEGO authentication",
        "the key management server does not take the proof of who the sink is: is its HTTP/host principal of this realm?",
    ),
    (
        "hsync is not supported for erasure-coded files",
        "the directory is erasure-coded, and such files cannot be made safe while they grow; run \
         `hdfs ec -setPolicy -replicate -path` on it, for what is made from now on",
    ),
];

/// Whether a key management server does not know a token any more that it has given: it has been restarted, or the token's time
/// is over. The client keeps it: it renews it after another answer (401) only.
pub(super) fn is_forgotten_token(said: &str) -> bool {
    said.contains("KMS request failed (403") && said.contains("InvalidToken")
}

/// Whether something is said of a key management server.
pub(super) fn is_of_key_server(said: &str) -> bool {
    said.starts_with("KMS ")
}

/// An error's own words, and what they mean: the first line, behind which an RPC error has the NameNode's Java stack.
pub(crate) fn told(error: &HdfsError) -> String {
    if let Some(refusal) = identity::refusal(error) {
        return refusal;
    }
    let said = error.to_string();
    let said = without_tokens(said.lines().next().unwrap_or_default());
    match MEANINGS.iter().find(|(part, _)| said.contains(part)) {
        Some((_, meaning)) => format!("{meaning} ({said})"),
        None => said.into_owned(),
    }
}

/// A text without the tokens that give access to keys: requests have them in their addresses, and so have errors and log lines.
pub(crate) fn without_tokens(text: &str) -> Cow<'_, str> {
    if !text.contains(TOKEN) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(TOKEN);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_tokens = |letter: char| letter.is_ascii_alphanumeric() || "-_%+/=.~".contains(letter);
        kept.push_str(TOKEN);
        kept.push_str("***");
        kept.push_str(part.trim_start_matches(is_tokens));
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_nowhere_and_all_else_is() {
        let text = "error sending request for url (http://kms:9600/kms/v1/keyversion/k%400/_eek?eek_op=decrypt&delegation=IAAFYWx_-pY2U%3D): \
                    refused; delegation=QUJD&x=1, delegation=";
        let expected = "error sending request for url (http://kms:9600/kms/v1/keyversion/k%400/_eek?eek_op=decrypt&delegation=***): \
                        refused; delegation=***&x=1, delegation=***";
        assert_eq!(without_tokens(text), expected);
        assert!(matches!(without_tokens("no answer"), Cow::Borrowed("no answer")));
        let error = HdfsError::OperationFailed(format!("KMS HTTP error: {text}"));
        assert!(!told(&error).contains("IAAFYWx"), "{}", told(&error));
    }

    #[test]
    fn what_somebody_can_do_something_about_says_what() {
        for (said, expected) in [
            (
                "KMS request failed (403 Forbidden): org.apache.hadoop.security.authorize.AuthorizationException User [alice] is not \
                 authorized to perform [DECRYPT_EEK] on key with ACL name [k]!!",
                "give it DECRYPT_EEK",
            ),
            ("KMS HTTP error: error sending request", "does not answer"),
        ] {
            let words = told(&HdfsError::OperationFailed(said.to_owned()));
            assert!(words.contains(expected) && words.contains(said), "{words}");
        }
        let words = told(&HdfsError::UnsupportedFeature("hsync is not supported for erasure-coded files".to_owned()));
        assert!(words.contains("hdfs ec -setPolicy -replicate"), "{words}");
        let first = told(&HdfsError::OperationFailed("first\n\tat java".to_owned()));
        assert!(first.ends_with("first"), "{first}");
    }

    #[test]
    fn what_a_key_server_says_is_told_from_what_the_name_node_says() {
        for said in ["KMS HTTP error: no answer", "KMS request failed (500 Internal Server Error): x"] {
            assert!(is_of_key_server(said), "{said}");
        }
        assert!(!is_of_key_server("Failed to complete file in time"));
    }

    #[test]
    fn a_token_that_is_forgotten_is_told_from_a_right_that_is_missing() {
        assert!(is_forgotten_token(
            "KMS request failed (403 Forbidden): InvalidToken token (kms-dt owner=alice, masterKeyId=2) can't be found in cache"
        ));
        assert!(!is_forgotten_token(
            "KMS request failed (403 Forbidden): AuthorizationException User [a] is not authorized"
        ));
        assert!(!is_forgotten_token("KMS request failed (404 Not Found): InvalidToken"));
    }
}
