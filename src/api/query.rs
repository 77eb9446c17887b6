//! The parameters of a request, from its URI or its body.

use std::num::NonZeroUsize;

use super::asked::{Asked, MOUNT, SEEN};
use super::paths::{parse_query, path_of};
use super::problem::{Code, Problem};
use crate::photo::{PictureHash, Positives, Relation, UnknownName};

/// The parameters of a query. Each must be used.
pub struct Query(Vec<(String, Vec<u8>)>);

impl Query {
    pub fn new(query: Option<String>) -> Query {
        Query(parse_query(query.as_deref().unwrap_or_default()))
    }

    /// What is too long for a URI comes as the body of a POST. It goes on where the URI ends.
    pub fn with_body(query: Option<String>, body: &[u8]) -> Query {
        let mut query = Query::new(query);
        query.0.extend(parse_query(&String::from_utf8_lossy(body)));
        query
    }

    pub fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    /// The paths, each with the client's view of it.
    pub fn asked(&mut self) -> Result<Asked, Problem> {
        let mut asked = Asked::default();
        let (about_paths, rest) = std::mem::take(&mut self.0).into_iter().partition(|(name, _)| ["path", SEEN, MOUNT].contains(&&**name));
        self.0 = rest;
        let about_paths: Vec<(String, Vec<u8>)> = about_paths;
        for (name, value) in about_paths {
            match &*name {
                SEEN => asked.add_seen(&value)?,
                MOUNT => asked.add_mount(&value)?,
                _ => {
                    let path = path_of(value);
                    if !path.is_absolute() {
                        return Err(Problem::new(Code::RelativePath, format!("{} is not an absolute path", path.display())));
                    }
                    asked.add(path);
                }
            }
        }
        Ok(asked)
    }

    pub fn number<T: std::str::FromStr>(&mut self, name: &'static str) -> Result<Option<T>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = String::from_utf8_lossy(&value).into_owned();
        text.parse().map(Some).map_err(|_| Problem::new(Code::Number, format!("{name}={text} is not a number, or out of range")))
    }

    pub fn text(&mut self, name: &'static str) -> Result<String, Problem> {
        let value = self.take(name).ok_or_else(|| Problem::new(Code::Parameter, format!("{name} is missing")))?;
        Ok(String::from_utf8_lossy(&value).into_owned())
    }

    /// The picture hashes.
    pub fn pictures(&mut self) -> Result<Vec<PictureHash>, Problem> {
        let (found, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0).into_iter().partition(|(name, _)| name == "picture");
        self.0 = rest;
        let read = |(_, value): (String, Vec<u8>)| {
            let text = String::from_utf8_lossy(&value).into_owned();
            let picture = PictureHash::from_hex(&text);
            picture.ok_or_else(|| Problem::new(Code::Parameter, format!("picture={text} is not a picture hash")))
        };
        found.into_iter().map(read).collect()
    }

    /// What a tuning learns to hold together: edits if it is missing.
    pub fn positives(&mut self) -> Result<Positives, Problem> {
        let Some(value) = self.take("positives") else { return Ok(Positives::Edits) };
        let known = String::from_utf8_lossy(&value).parse();
        known.map_err(|e: UnknownName| Problem::new(Code::Positives, e.to_string()).hint("use edits, folders or decisions"))
    }

    /// A flag: false if it is missing.
    pub fn is_on(&mut self, name: &'static str) -> Result<bool, Problem> {
        match self.take(name).as_deref() {
            None | Some(b"false") => Ok(false),
            Some(b"true") => Ok(true),
            Some(value) => Err(Problem::new(Code::Flag, format!("{name}={} is neither true nor false", String::from_utf8_lossy(value)))),
        }
    }

    /// The requested part of a long answer.
    pub fn page(&mut self) -> Result<(Option<String>, Option<usize>), Problem> {
        let after = self.take("after").map(|key| String::from_utf8_lossy(&key).into_owned());
        let limit = self.number::<NonZeroUsize>("limit")?.map(NonZeroUsize::get);
        Ok((after, limit))
    }

    pub fn distance(&mut self, name: &'static str) -> Result<Option<f32>, Problem> {
        match self.number::<f32>(name)? {
            Some(d) if !(0.0..=2.0).contains(&d) => Err(Problem::new(Code::Distance, format!("{name}={d} is not a distance from 0 to 2"))),
            distance => Ok(distance),
        }
    }

    pub fn relations(&mut self) -> Result<Vec<Relation>, Problem> {
        let Some(value) = self.take("relation") else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&value).into_owned();
        let known = |name: &str| Relation::ALL.iter().copied().find(|r| r.name() == name);
        text.split(',')
            .map(|name| {
                known(name).ok_or_else(|| {
                    Problem::new(Code::Relation, format!("{name} is not a relation")).hint("identical, copy, edit, part, series, unknown")
                })
            })
            .collect()
    }

    pub fn end(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::new(Code::Parameter, format!("{name} is not a parameter here"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::new(Some(text.into()))
    }

    /// Taken out one by one, the others would be moved for each.
    #[test]
    fn many_picture_hashes_are_read_in_one_pass() {
        let hash = "0f".repeat(32);
        let text = format!("path=/p&{}verdict=same", format!("picture={hash}&").repeat(100_000));
        let mut many = query(&text);
        assert_eq!(many.pictures().expect("hashes"), vec![PictureHash([0x0f; 32]); 100_000]);
        assert_eq!((many.text("verdict").expect("left"), many.asked().is_ok(), many.end().is_ok()), ("same".into(), true, true));
        let refused = query(&format!("picture={hash}&picture=0f")).pictures().expect_err("too short");
        assert_eq!((refused.code, refused.message.as_str()), (Code::Parameter, "picture=0f is not a picture hash"));
    }

    #[test]
    fn a_kind_of_positives_is_one_of_three_names() {
        assert_eq!(query("").positives().expect("missing"), Positives::Edits);
        for known in Positives::ALL {
            assert_eq!(query(&format!("positives={known}")).positives().expect("a name"), *known);
        }
        for wrong in ["positives=", "positives=Edits", "positives=weather", "positives=%ff"] {
            let refused = query(wrong).positives().expect_err(wrong);
            assert_eq!(refused.code, Code::Positives);
            assert!(refused.message.ends_with("is not a kind of positives") && refused.hint.is_some(), "{refused:?}");
        }
    }
}
