//! What the operators ask of their attributes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use wgcnn::ops::registry::{Attributes, Build, Entry, REGISTRY};

use crate::common::draft::Draft;
use crate::common::sample::sample;

/// The random cases of the property tests miss no attribute that there is, and are not refused too often.
#[test]
fn random_cases_have_every_attribute() {
    let mut missing = BTreeSet::new();
    for entry in REGISTRY {
        let drafts = sample(entry).unwrap();
        let cases: Vec<_> = drafts.iter().filter_map(|draft| draft.case(entry).ok()).collect();
        assert!(cases.len() > drafts.len() / 8, "{} accepts {} of 64 drafts", entry.name, cases.len());
        for attribute in cases.iter().flat_map(|case| case.attributes.asked().into_keys()) {
            if !drafts.iter().any(|draft| draft.attributes.contains_key(&attribute)) {
                missing.insert(format!("{}: {attribute}", entry.name));
            }
        }
    }
    assert!(missing.is_empty(), "tests/common/strategies.rs does not draw {missing:?}");
}

fn refusal(entry: &Entry, attributes: &Attributes) -> Option<String> {
    match entry.build {
        Build::Operator(build) => build(attributes).err(),
        Build::Loss(build) => build(attributes).err(),
        Build::Optimizer(build) => build(attributes).err(),
    }
}

/// The attributes of a draft, of which one has another value.
fn with(draft: &Draft, name: &str, value: Value) -> Attributes {
    let values: Map<String, Value> = draft.clone().attribute(name, value).attributes;
    let attributes = Attributes::from_json(&Value::Object(values).to_string()).unwrap();
    draft
        .parameters
        .iter()
        .fold(attributes, |attributes, (name, shape)| attributes.with_parameter(name, shape))
}

/// Every attribute refuses a value of another type, by its name.
#[test]
fn values_of_another_type_are_refused() {
    for entry in REGISTRY {
        for draft in sample(entry).unwrap().iter().filter(|draft| draft.case(entry).is_ok()) {
            for (name, asked) in draft.case(entry).unwrap().attributes.asked() {
                let wrong = Value::Object(Map::new());
                let message = refusal(entry, &with(draft, &name, wrong)).unwrap_or_default();
                let wanted = format!("attribute {name} is {{}}; it must be {}", asked.wanted);
                assert_eq!(message, wanted, "{}", entry.name);
            }
        }
    }
}

/// An attribute that the operator does not know is refused, and those that it knows are named.
#[test]
fn unknown_attributes_are_refused() {
    for entry in REGISTRY {
        for draft in sample(entry).unwrap().iter().filter(|draft| draft.case(entry).is_ok()) {
            let message = refusal(entry, &with(draft, "stirde", Value::from(2))).unwrap_or_default();
            let beginning = format!("attribute stirde is unknown; {} has ", entry.name);
            assert!(message.starts_with(&beginning), "{message:?}");
            let known = draft.case(entry).unwrap().attributes.asked();
            assert!(known.keys().all(|name| message.contains(name)), "{message:?} lacks some of {known:?}");
        }
    }
}
