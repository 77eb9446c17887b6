//! Checks JSON against a JSON Schema, as far as the schemas of this program go.

use serde_json::{Map, Value, json};

use crate::support::array;

/// Words of a schema that say nothing about which values are valid.
const WORDS: [&str; 8] = ["$schema", "$defs", "title", "description", "default", "format", "examples", "deprecated"];

/// Checks a value.
///
/// # Errors
/// The place and the rule that does not hold. `document` has what `$ref` names.
pub fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    at(document, schema, value, "")
}

fn at(document: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let rules = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Object(rules) => rules,
        other => return Err(format!("{place}: no value is valid under {other}")),
    };
    for (rule, of) in rules.iter().filter(|(rule, _)| !WORDS.contains(&rule.as_str())) {
        holds(document, rules, rule, of, value, place)?;
    }
    Ok(())
}

fn holds(document: &Value, rules: &Map<String, Value>, rule: &str, of: &Value, value: &Value, place: &str) -> Result<(), String> {
    let refused = |why: String| Err(format!("{place}: {why}, but is {value}"));
    let fits = |schema: &&Value| at(document, schema, value, place).is_ok();
    let (object, items) = (value.as_object(), value.as_array());
    match rule {
        "$ref" => {
            let path = of.as_str().expect("a reference").trim_start_matches('#');
            at(document, document.pointer(path).unwrap_or_else(|| panic!("{path} is not there")), value, place)
        }
        "type" if !types(of).iter().any(|name| is(value, name)) => refused(format!("must be of type {of}")),
        "enum" if !array(of).contains(value) => refused(format!("must be one of {of}")),
        "const" if of != value => refused(format!("must be {of}")),
        "minimum" if value.is_number() && value.as_f64() < of.as_f64() => refused(format!("must be {of} at least")),
        "maximum" if value.is_number() && value.as_f64() > of.as_f64() => refused(format!("must be {of} at most")),
        "minItems" if items.is_some_and(|items| (items.len() as u64) < of.as_u64().expect("a number")) => {
            refused(format!("needs {of} items"))
        }
        "maxItems" if items.is_some_and(|items| items.len() as u64 > of.as_u64().expect("a number")) => {
            refused(format!("has more than {of}"))
        }
        "uniqueItems" if items.is_some_and(|items| (1..items.len()).any(|at| items[..at].contains(&items[at]))) => {
            refused("has an item twice".to_owned())
        }
        "required" => match array(of).iter().find(|name| object.is_some_and(|o| !o.contains_key(name.as_str().expect("a name")))) {
            Some(missing) => refused(format!("{missing} is missing")),
            None => Ok(()),
        },
        "properties" => object.into_iter().flatten().try_for_each(|(name, value)| match of.get(name) {
            Some(schema) => at(document, schema, value, &format!("{place}/{name}")),
            None => Ok(()),
        }),
        "additionalProperties" => {
            let is_further = |name: &String| rules.get("properties").is_none_or(|known| known.get(name).is_none());
            let mut further = object.into_iter().flatten().filter(|(name, _)| is_further(name));
            further.try_for_each(|(name, value)| at(document, of, value, &format!("{place}/{name}")))
        }
        "propertyNames" => object.into_iter().flatten().try_for_each(|(name, _)| at(document, of, &json!(name), place)),
        "items" => items.into_iter().flatten().try_for_each(|item| at(document, of, item, &format!("{place}[]"))),
        "prefixItems" => {
            let pairs = array(of).iter().zip(items.into_iter().flatten());
            pairs.into_iter().try_for_each(|(schema, item)| at(document, schema, item, &format!("{place}[]")))
        }
        "allOf" => array(of).iter().try_for_each(|schema| at(document, schema, value, place)),
        "anyOf" if !array(of).iter().any(|schema| fits(&schema)) => refused("fits none of several".to_owned()),
        "oneOf" if array(of).iter().filter(fits).count() != 1 => refused("must fit one of several".to_owned()),
        "type" | "enum" | "const" | "minimum" | "maximum" | "minItems" | "maxItems" | "uniqueItems" | "anyOf" | "oneOf" => Ok(()),
        other => panic!("{place}: this check does not know {other}"),
    }
}

/// The names of a type, which may be several.
fn types(of: &Value) -> Vec<&str> {
    of.as_str().map_or_else(|| array(of).iter().filter_map(Value::as_str).collect(), |name| vec![name])
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

#[test]
fn what_is_not_valid_is_refused() {
    let schema = json!({
        "type": "object", "required": ["a"], "$defs": {"State": {"enum": ["on", "off"]}},
        "properties": {"a": {"type": ["integer", "null"], "minimum": 0}, "state": {"$ref": "#/$defs/State"}, "list": {
            "type": "array", "items": {"oneOf": [{"const": 1}, {"type": "string"}]}, "maxItems": 2, "uniqueItems": true,
        }},
        "additionalProperties": {"type": "boolean"},
    });
    for valid in [json!({"a": 1}), json!({"a": null, "state": "on", "list": [1, "x"], "more": true})] {
        assert_eq!(check(&schema, &schema, &valid), Ok(()));
    }
    for wrong in [
        json!([]),
        json!({}),
        json!({"a": -1}),
        json!({"a": "1"}),
        json!({"a": 1, "state": "perhaps"}),
        json!({"a": 1, "list": [2]}),
        json!({"a": 1, "list": ["x", "x"]}),
        json!({"a": 1, "list": ["x", "y", "z"]}),
        json!({"a": 1, "more": 1}),
    ] {
        assert!(check(&schema, &schema, &wrong).is_err(), "{wrong}");
    }
}
