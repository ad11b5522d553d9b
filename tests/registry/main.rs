//! What holds of every name in the registry, without any device.

#[path = "../common"]
mod common {
    #[allow(dead_code, reason = "what comes out of a case is of no interest here")]
    pub mod case;
    pub mod draft;
    pub mod facts;
    pub mod page;
    #[path = "../../benches/operators/rows.rs"]
    pub mod rows;
    pub mod sample;
    #[allow(dead_code, reason = "no case is computed here")]
    pub mod strategies;
    pub mod subject;
    pub mod values;
}

mod attributes;
mod bad_input;
mod documentation;
mod rooms;
