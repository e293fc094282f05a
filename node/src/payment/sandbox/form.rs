//! Parameters as Stripe takes them: form-encoded pairs, `metadata[name]=value`, and no name that an operation does not know.

use std::collections::BTreeMap;

use super::trouble::Trouble;

/// Parameters of a request, in the order in which they came.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query or a body.
    pub fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// Refuses names that are not listed. `metadata[..]` and `expand[..]` may always come.
    ///
    /// # Errors
    /// The first unknown name.
    pub fn only(&self, names: &[&str]) -> Result<(), Trouble> {
        let unknown = self
            .0
            .iter()
            .find(|(name, _)| !names.contains(&name.as_str()) && !name.starts_with("metadata[") && !name.starts_with("expand["));
        match unknown {
            Some((name, _)) => Err(Trouble::invalid("parameter_unknown", &format!("Received unknown parameter: {name}")).about(name)),
            None => Ok(()),
        }
    }

    /// The last value of a name.
    pub fn get(&self, wanted: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn need(&self, name: &str) -> Result<&str, Trouble> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Trouble::invalid("parameter_missing", &format!("Missing required param: {name}.")).about(name))
    }

    /// An amount in minor units, from 1.
    ///
    /// # Errors
    /// When it is something else.
    pub fn amount(&self, name: &str) -> Result<Option<u64>, Trouble> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse::<u64>() {
            Ok(amount @ 1..=99_999_999) => Ok(Some(amount)),
            Ok(0) => Err(Trouble::invalid("parameter_invalid_integer", "This value must be greater than or equal to 1.").about(name)),
            Ok(_) => Err(Trouble::invalid("amount_too_large", "Amount must be no more than 999,999.99.").about(name)),
            Err(_) => Err(Trouble::invalid("parameter_invalid_integer", &format!("Invalid integer: {text}")).about(name)),
        }
    }

    /// A switch: `true`, or anything else for no.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Whether an object is wanted inside the answer instead of its id.
    pub fn expands(&self, what: &str) -> bool {
        self.0.iter().any(|(name, value)| name.starts_with("expand[") && value == what)
    }

    /// The pairs of `metadata[..]`.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let pair = |(name, value): &(String, String)| {
            let inner = name.strip_prefix("metadata[")?.strip_suffix(']')?;
            Some((inner.to_owned(), value.clone()))
        };
        self.0.iter().filter_map(pair).collect()
    }

    /// A hash of an operation's path and parameters.
    pub fn fingerprint(&self, path: &str) -> String {
        let mut pairs: Vec<_> = self.0.iter().collect();
        pairs.sort();
        let mut hasher = blake3::Hasher::new();
        hasher.update(path.as_bytes());
        for (name, value) in pairs {
            hasher.update(b"\0").update(name.as_bytes()).update(b"\0").update(value.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_names_are_read_and_unknown_ones_refused() {
        let form = Form::parse(b"amount=1200&metadata%5Border%5D=ord_1&expand[]=latest_charge&odd=1");
        assert_eq!(form.amount("amount").ok(), Some(Some(1200)));
        assert_eq!(form.metadata(), BTreeMap::from([("order".to_owned(), "ord_1".to_owned())]));
        assert!(form.expands("latest_charge"));
        assert!(form.only(&["amount"]).is_err());
        assert!(form.only(&["amount", "odd"]).is_ok());
    }

    #[test]
    fn the_fingerprint_is_of_path_and_pairs_whatever_their_order() {
        let print = |body: &str| Form::parse(body.as_bytes()).fingerprint("/v1/refunds");
        assert_eq!(print("a=1&b=2"), print("b=2&a=1"));
        assert_ne!(print("a=1&b=2"), print("a=1&b=3"));
        assert_ne!(print("a=1&b=2"), print("a=1b&=2"));
        assert_ne!(Form::parse(b"a=1").fingerprint("/x"), Form::parse(b"a=1").fingerprint("/y"));
    }
}
